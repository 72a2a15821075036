// Links between pages keep the document, and what comes in is as alive as a page that was opened.

import { expect, type Page, registration, somebody, test as base } from "../support/fixtures.ts";
import { Tab } from "../support/tab.ts";

const test = base.extend<{ tab: Tab; errors: string[] }>({
  tab: async ({ page }, use) => use(new Tab(page)),
  // What the console says is an error, but for refusals of the server, which the browser notes too, and for the
  // animation that Leptos's router gives up when the next page comes before it has ended.
  errors: async ({ page }, use) => {
    const errors: string[] = [];
    page.on("pageerror", (error) => {
      if (!error.message.startsWith("Transition was skipped")) errors.push(error.message);
    });
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) errors.push(message.text());
    });
    await use(errors);
    expect(errors).toEqual([]);
  },
});

/** Marks this document; a fresh one has no mark. */
async function mark(page: Page): Promise<void> {
  await page.evaluate(() => Object.assign(window, { marked: true }));
}

async function isMarked(page: Page): Promise<boolean> {
  return page.evaluate(() => "marked" in window);
}

test("the start page and the dashboard are one document, and the dashboard works in it", async ({
  visitor,
  tab,
  page,
  server,
  errors,
}) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  await page.goto("/");
  await visitor.hydrated();
  await mark(page);
  for (let round = 0; round < 3; round++) {
    await page.getByRole("link", { name: "Go to your dashboard" }).click();
    await expect(page).toHaveURL("/dashboard");
    await expect(visitor.heading).toHaveText(`Hello, ${person.firstName}`);
    await expect(page).toHaveTitle("Dashboard · Doorward");
    await tab.listens();
    await page.locator(".brand").click();
    await expect(page).toHaveURL("/");
    await expect(visitor.heading).toHaveText("One account, kept with care.");
    await expect(page).toHaveTitle("Your account · Doorward");
  }
  await page.getByRole("link", { name: "Go to your dashboard" }).click();
  await tab.listens();
  await tab.rereads();
  expect(tab.calls, "cards that are gone ask no more").toEqual(["current_account 200"]);
  expect(await isMarked(page)).toBe(true);
  await visitor.signOut();
  expect(tab.calls).toContain("log_out 200");
  expect(errors).toEqual([]);
});

test("a form that came by a link refuses, takes and leads on as one that was opened", async ({ visitor, page, errors }) => {
  const person = somebody();
  await page.goto("/");
  await visitor.hydrated();
  await mark(page);
  await page.getByRole("link", { name: "Create account" }).click();
  await expect(visitor.heading).toHaveText("Create account");
  await visitor.awake();
  await expect(page).toHaveTitle("Create account · Doorward");
  await visitor.fill({ ...registration(person), username: "ab" });
  await visitor.send();
  await expect(visitor.errorOf("username")).toBeVisible();
  await expect(visitor.field("email")).toHaveValue(person.email);

  await page.locator(".card-foot").getByRole("link", { name: "Sign in" }).click();
  await expect(visitor.heading).toHaveText("Sign in");
  await visitor.awake();
  await expect(visitor.alert).toBeHidden();
  await expect(visitor.field("password")).toHaveValue("");
  await visitor.signIn("nobody", "nothing");
  await expect(visitor.alert).toContainText("do not match");
  await page.getByRole("button", { name: "Show password" }).click();
  await expect(visitor.field("password")).toHaveAttribute("type", "text");

  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await expect(visitor.heading).toHaveText("Reset your password");
  await visitor.awake();
  await visitor.fill({ email: "none" });
  await visitor.send();
  await expect(visitor.errorOf("email")).toBeVisible();
  expect(await isMarked(page)).toBe(true);

  await page.locator(".card-foot").getByRole("link", { name: "Sign in" }).click();
  await page.locator(".card-foot").getByRole("link", { name: "Create account" }).click();
  await expect(visitor.heading).toHaveText("Create account");
  await visitor.awake();
  expect(await isMarked(page)).toBe(true);
  await visitor.fill(registration(person));
  await visitor.send();
  await expect(page).toHaveURL("/dashboard");
  await expect(visitor.heading).toHaveText(`Hello, ${person.firstName}`);
  expect(errors).toEqual([]);
});

test("back and forward show the page that the address names, and its form works", async ({ visitor, page, errors }) => {
  await page.goto("/");
  await visitor.hydrated();
  await page.getByRole("link", { name: "Create account" }).click();
  await expect(visitor.heading).toHaveText("Create account");
  await page.locator(".card-foot").getByRole("link", { name: "Sign in" }).click();
  await expect(visitor.heading).toHaveText("Sign in");
  for (const [step, path, heading] of [
    ["back", "/register", "Create account"],
    ["back", "/", "One account, kept with care."],
    ["forward", "/register", "Create account"],
    ["forward", "/login", "Sign in"],
  ] as const) {
    await (step === "back" ? page.goBack() : page.goForward());
    await expect(page).toHaveURL(path);
    await expect(visitor.heading).toHaveText(heading);
    await visitor.awake();
  }
  await visitor.signIn("nobody", "nothing");
  await expect(visitor.alert).toContainText("do not match");
  expect(errors).toEqual([]);
});

test("a link to the dashboard of who is no longer signed in leads to the login page", async ({ visitor, page, server, errors }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  await page.goto("/");
  await visitor.hydrated();
  await page.context().clearCookies();
  await page.getByRole("link", { name: "Go to your dashboard" }).click();
  await expect(page).toHaveURL("/login?next=/dashboard");
  await visitor.awake();
  await visitor.signIn(person.username, person.password);
  await expect(page).toHaveURL("/dashboard");
  await expect(visitor.heading).toHaveText(`Hello, ${person.firstName}`);
  expect(errors).toEqual([]);
});

test("after a link the keyboard and the screen reader are in the new page", async ({ visitor, page }) => {
  await page.goto("/");
  await visitor.hydrated();
  await page.getByRole("link", { name: "Create account" }).focus();
  await page.keyboard.press("Enter");
  await expect(visitor.heading).toHaveText("Create account");
  await visitor.awake();
  await page.keyboard.press("Tab");
  const where = await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 80) ?? "");
  expect(where).toMatch(/class="skip"|id="username"|id="email"/);
});
