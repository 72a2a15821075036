// Account pages with scripts: what a sign-out in another tab leaves of them, and what links and stores hold.

import { expect, somebody, test } from "../support/fixtures.ts";
import { Tab } from "../support/tab.ts";

const PAGES = ["", "/security", "/sessions", "/history", "/privacy", "/not-me"].map((page) => `/account${page}`);

test("signing out in one tab empties every page of the account in the others", async ({ visitor, context, server }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  const others = [];
  for (const path of [...PAGES, "/confirm-email-change"]) {
    const page = await context.newPage();
    await page.goto(path);
    await expect(page.locator("main form[data-function]:not([data-awake])")).toHaveCount(0);
    others.push(page);
  }
  const confirming = await context.newPage();
  await confirming.goto("/confirm-email");
  await expect(confirming.locator("main")).toContainText(person.email);
  await visitor.open("/dashboard");
  await visitor.awake();
  await visitor.signOut();
  for (const page of others) {
    await expect(page).toHaveURL("/login?notice=signed-out");
    await expect(page.locator("body")).not.toContainText(person.email);
    await page.close();
  }
  await expect(confirming.locator("body")).not.toContainText(person.email);
});

test("every page of the account signs out by itself", async ({ visitor, page, server }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  for (const path of PAGES.slice(1, 3)) {
    await visitor.open(path);
    await expect(page.locator("header form[data-awake]")).toHaveCount(1);
    await visitor.signOut();
    await page.goBack();
    await expect(page).toHaveURL(`/login?next=${path}`);
    await visitor.comesBackAs(person, server.baseURL);
  }
});

test("the sections are one document, each as alive as if it had been opened", async ({ visitor, page, server }) => {
  const person = somebody();
  const errors: string[] = [];
  page.on("pageerror", (error) => {
    if (!error.message.startsWith("Transition was skipped")) errors.push(error.message);
  });
  await visitor.entersAs(person, server.baseURL);
  await visitor.open("/dashboard");
  await visitor.hydrated();
  await page.evaluate(() => Object.assign(window, { marked: true }));
  for (let round = 0; round < 2; round++) {
    for (const name of ["Profile", "Security", "Sessions", "History", "Privacy"]) {
      await page.getByRole("navigation").getByRole("link", { name }).click();
      await expect(visitor.heading).toHaveText(name);
      await expect(page).toHaveTitle(`${name} · Doorward`);
      await expect(page.getByRole("navigation").locator("[aria-current=page]")).toHaveText(name);
      await visitor.awake();
    }
  }
  expect(await page.evaluate(() => "marked" in window)).toBe(true);
  await page.getByRole("navigation").getByRole("link", { name: "Profile" }).click();
  await expect(visitor.heading).toHaveText("Profile");
  await visitor.awake();
  await visitor.fill({ first_name: "Lisa" });
  await visitor.send("/account/profile");
  await expect(visitor.notice).toHaveText("Your profile is saved.");
  await page.getByRole("navigation").getByRole("link", { name: "Profile" }).click();
  await expect(page).toHaveURL("/account");
  await expect(visitor.notice).toHaveCount(0);
  await expect(visitor.field("first_name")).toHaveValue("Lisa");
  expect(errors).toEqual([]);
});

test("neither storage nor a global holds a token or anything of the person on a page of the account", async ({
  visitor,
  page,
  server,
}) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  const secrets = (await page.context().cookies()).map(({ value }) => value);
  for (const path of PAGES) {
    await visitor.open(path);
    await visitor.hydrated();
    const tab = new Tab(page);
    await tab.comesBack();
    await tab.isQuiet();
    const found = await tab.withinReach();
    expect(found.startsWith('[[[],[]],"",'), path).toBe(true);
    for (const secret of [...secrets, person.password]) expect(found.includes(secret), path).toBe(false);
    expect(found, path).not.toMatch(/eyJ[\w-]{10,}\./);
  }
});
