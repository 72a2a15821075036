// What a site may decide about new accounts, and what programs that fill in everything get.

import { expect, registration, somebody, test } from "../support/fixtures.ts";

test("a site that takes no new accounts says so, offers none, and signs its people in as always", async ({ launch, elsewhere }) => {
  const server = await launch({});
  const visitor = await elsewhere(server.baseURL);
  const { page } = visitor;
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  await page.context().clearCookies();
  await server.restart({ DOORWARD__REGISTRATION__OPEN: "false" });

  await visitor.open("/register");
  await expect(visitor.heading).toHaveText("This site takes no new accounts");
  await expect(page.locator("main form")).toHaveCount(0);
  for (const path of ["/", "/login"]) {
    await visitor.open(path);
    await expect(page.getByRole("link", { name: "Sign in" }).or(visitor.button("Sign in")).first()).toBeVisible();
    await expect(page.getByRole("link", { name: "Create account" })).toHaveCount(0);
  }
  await visitor.open("/login");
  await visitor.signIn(person.email, person.password);
  await expect(page).toHaveURL("/dashboard");
});

test("the trap of the form is for programs: nobody sees it, reaches it or hears of it", async ({ visitor, page }) => {
  await visitor.open("/register");
  const trap = page.locator("#website");
  await expect(trap).toHaveCount(1);
  await expect(page.getByRole("textbox", { name: "Leave this empty" })).toHaveCount(0);
  await expect(trap).not.toBeInViewport();
  await visitor.field("last_name").focus();
  await page.keyboard.press("Tab");
  await expect(visitor.button("Create account")).toBeFocused();
  await page.keyboard.press("Shift+Tab");
  await expect(visitor.field("last_name")).toBeFocused();
});

test("a program that fills in the trap gets no account", async ({ visitor, page }) => {
  const person = somebody();
  await visitor.open("/register");
  await visitor.fill(registration(person));
  await visitor.field("website").evaluate((field) => ((field as HTMLInputElement).value = "https://buy.test"));
  await visitor.send();
  await visitor.open("/dashboard");
  await expect(page).toHaveURL("/login?next=/dashboard");
  await visitor.signIn(person.email, person.password);
  await expect(visitor.alert).toContainText("do not match");
});
