// What happened to an account, and what its owner does about what was somebody else.

import { expect, goodPassword, somebody, test, type Visitor } from "../support/fixtures.ts";

/** The lines of the history, each as its first words. */
function lines({ page }: Visitor) {
  return page.locator("main ol.rows > li strong");
}

test("the history tells of sign-ins and failures, newest first, and whose they were", async ({ visitor, elsewhere, server }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  const other = await elsewhere();
  await other.open("/login");
  await other.signIn(person.email, "not the password");
  await expect(other.alert).toContainText("do not match");
  await other.signIn(person.email, person.password);
  await expect(other.page).toHaveURL("/dashboard");

  await visitor.open("/account/history");
  await expect(lines(visitor)).toHaveText(["Signed in", "A sign-in was refused", "Signed in", "Account created"]);
  const [foreign, refused, own] = await visitor.page.locator("main ol.rows > li").all();
  await expect(foreign!.getByRole("link", { name: "This wasn’t me" })).toBeVisible();
  await expect(foreign!).toContainText("Chrome on Linux · 127.0.0.1");
  await expect(refused!.getByRole("link", { name: "This wasn’t me" })).toBeVisible();
  await expect(own!).toContainText("This session");
  await expect(own!.getByRole("link")).toHaveCount(0);
});

test("older lines are a page further, and the newest one page back", async ({ visitor, page, server }) => {
  await visitor.entersAs(somebody(), server.baseURL);
  for (let change = 0; change < 26; change++) {
    const form = { first_name: `Mona ${change}`, last_name: "", time_zone: "UTC" };
    const headers = { Origin: server.baseURL };
    await page.request.post("/account/profile", { form, headers, maxRedirects: 0 });
  }
  await visitor.open("/account/history");
  await expect(lines(visitor)).toHaveCount(25);
  await page.getByRole("link", { name: "Older" }).click();
  await expect(page).toHaveURL(/\/account\/history\?before=\d+$/);
  await expect(lines(visitor)).toHaveText(["Profile changed", "Signed in", "Account created"]);
  await expect(page.getByRole("link", { name: "Older" })).toHaveCount(0);
  await page.getByRole("link", { name: "Newest" }).click();
  await expect(page).toHaveURL("/account/history");
  await expect(lines(visitor)).toHaveCount(25);
});

test("“This wasn’t me” shuts everybody out, and the mailed code lets the owner back in", async ({
  visitor,
  page,
  mailbox,
  elsewhere,
  server,
}) => {
  const person = somebody();
  const fresh = goodPassword();
  await visitor.entersAs(person, server.baseURL);
  await visitor.confirmsBy((await mailbox.newest(person.email, "Confirm your e-mail address")).link);
  const thief = await elsewhere();
  await thief.comesBackAs(person, server.baseURL);
  await thief.open("/account/security");

  await visitor.open("/account/history");
  await page.getByRole("link", { name: "This wasn’t me" }).first().click();
  await expect(page).toHaveURL("/account/not-me");
  await expect(visitor.heading).toHaveText("This wasn’t me");
  await visitor.awake();
  await visitor.send("/account/not-me");
  await expect(page).toHaveURL("/reset-confirmation");
  await expect(visitor.heading).toHaveText("Check your mail");
  await thief.page.reload();
  await expect(thief.page).toHaveURL("/login?next=/account/security");
  await thief.awake();
  await thief.signIn(person.email, person.password);
  await expect(thief.alert).toContainText("do not match");

  await visitor.awake();
  const { code = "" } = await mailbox.newest(person.email, "Choose a new password");
  await visitor.fill({ code, password: fresh, password_again: fresh });
  await visitor.send();
  await expect(page).toHaveURL("/login?notice=password-reset");
  await visitor.awake();
  await visitor.signIn(person.email, fresh);
  await expect(page).toHaveURL("/dashboard");
});
