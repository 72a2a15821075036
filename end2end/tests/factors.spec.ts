// Two-step sign-in with an authenticator app and recovery codes, with scripts and without.

import { readFile } from "node:fs/promises";
import { expect, type Person, type Visitor } from "../support/fixtures.ts";
import { test } from "../support/inspect.ts";
import { type App, scanned } from "../support/totp.ts";

const SET_UP = "/account/factors/app";
const START = "/account/factors/app/start";
const CODES = "/account/factors/recovery-codes";
const FACTOR = "/login/factor";

/** Sets an app up; the new recovery codes are on the page then. */
async function setsUp(visitor: Visitor): Promise<App> {
  await visitor.open("/account/factors");
  await visitor.send(START);
  await expect(visitor.page).toHaveURL(SET_UP);
  await visitor.awake();
  const app = await scanned(visitor);
  await visitor.fill({ code: await app.code() });
  await visitor.send(SET_UP);
  await expect(visitor.page).toHaveURL(/\/account\/factors\/recovery-codes\?next=/);
  return app;
}

/** The recovery codes on the page. */
async function codesOf({ page }: Visitor): Promise<string[]> {
  await expect(page.locator(".codes code")).toHaveCount(10);
  return page.locator(".codes code").allInnerTexts();
}

/** Gives name and password, and is asked for the second step. */
async function knocks(visitor: Visitor, person: Person): Promise<void> {
  await visitor.open("/login");
  await visitor.signIn(person.email, person.password);
  await expect(visitor.page).toHaveURL(FACTOR);
  await expect(visitor.heading).toHaveText("Second step");
  await visitor.awake();
}

test("an app is set up, and signing in asks for its code", async ({ visitor, elsewhere, server, mailbox, inspect }) => {
  const person = await visitor.enters(server.baseURL, mailbox);
  await visitor.open("/account/security");
  await visitor.page.getByRole("link", { name: "Set it up" }).click();
  await expect(visitor.page).toHaveURL("/account/factors");
  await expect(visitor.heading).toHaveText("Two-step sign-in");
  await visitor.open("/account/factors");
  await inspect(visitor, "/account/factors, off");
  await visitor.send(START);
  await expect(visitor.page).toHaveURL(SET_UP);
  await visitor.awake();
  const app = await scanned(visitor);
  await inspect(visitor, SET_UP);
  await visitor.fill({ code: app.wrongCode() });
  await visitor.send(SET_UP);
  await expect(visitor.errorOf("code")).toContainText("not right");
  await expect(visitor.field("code")).toBeFocused();
  await inspect(visitor, `${SET_UP}, refused`);
  await visitor.open(SET_UP);
  await visitor.fill({ code: await app.code() });
  await visitor.send(SET_UP);
  await expect(visitor.heading).toHaveText("Recovery codes");
  await inspect(visitor, CODES);
  await visitor.awake();
  await visitor.send(CODES);
  await expect(visitor.page).toHaveURL("/account/factors?notice=app-added");
  await expect(visitor.notice).toContainText("signing in with your password asks for its code");
  await expect(visitor.page.getByText("You have 10 codes left.")).toBeVisible();
  await inspect(visitor, "/account/factors, on");

  const other = await elsewhere();
  await knocks(other, person);
  await expect(other.field("code")).toBeFocused();
  await inspect(other, FACTOR);
  await other.page.reload();
  await other.awake();
  await other.fill({ code: app.wrongCode() });
  await other.send(FACTOR);
  await expect(other.errorOf("code")).toContainText("not right");
  await expect(other.field("code")).toBeFocused();
  await inspect(other, `${FACTOR}, refused`);
  await other.fill({ code: await app.code() });
  await other.page.keyboard.press("Enter");
  await expect(other.page).toHaveURL("/dashboard");
});

test("recovery codes are downloaded, sign in once each, and are made anew", async ({ visitor, elsewhere, server, mailbox, inspect }) => {
  const person = await visitor.enters(server.baseURL, mailbox);
  await setsUp(visitor);
  const codes = await codesOf(visitor);
  await visitor.page.reload();
  expect(await codesOf(visitor)).toEqual(codes);
  const started = visitor.page.waitForEvent("download");
  await visitor.page.getByRole("link", { name: "Download" }).click();
  const file = await readFile(await (await started).path(), "utf8");
  for (const code of codes) expect(file).toContain(code);
  expect(file).toContain(`Recovery codes of ${person.username} at `);
  if (visitor.scripts) {
    await visitor.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await visitor.button("Copy").click();
    await expect(visitor.page.getByText("Copied.")).toBeVisible();
    expect(await visitor.page.evaluate(() => navigator.clipboard.readText())).toBe(codes.join("\n"));
    await visitor.page.evaluate(() => {
      window.print = () => document.documentElement.setAttribute("data-printed", "");
    });
    await visitor.button("Print").click();
    await expect(visitor.page.locator("html[data-printed]")).toHaveCount(1);
    await visitor.page.emulateMedia({ media: "print" });
    await expect(visitor.page.locator(".codes")).toBeVisible();
    await expect(visitor.page.getByText(person.username)).toBeVisible();
    await expect(visitor.button("Print")).toBeHidden();
    await visitor.page.emulateMedia({ media: "screen" });
  } else {
    await expect(visitor.button("Copy")).toHaveCount(0);
  }

  const other = await elsewhere();
  await knocks(other, person);
  await other.page.getByRole("link", { name: "Use a recovery code" }).click();
  await other.awake();
  await inspect(other, `${FACTOR}, recovery code`);
  await other.fill({ recovery_code: "not one of them" });
  await other.send(FACTOR);
  await expect(other.errorOf("recovery_code")).toContainText("not one of your unused");
  await other.fill({ recovery_code: codes[4] ?? "" });
  await other.send(FACTOR);
  await expect(other.page).toHaveURL("/dashboard");
  await other.open("/account/factors");
  await expect(other.page.getByText("You have 9 codes left.")).toBeVisible();
  await other.send("/account/factors/recovery-codes/new");
  await expect(other.page).toHaveURL(CODES);
  expect(await codesOf(other)).not.toContain(codes[0]);

  const third = await elsewhere();
  await knocks(third, person);
  await third.page.getByRole("link", { name: "Use a recovery code" }).click();
  await third.awake();
  await third.fill({ recovery_code: codes[0] ?? "" });
  await third.send(FACTOR);
  await expect(third.errorOf("recovery_code")).toContainText("not one of your unused");
});

test("too many wrong codes lead back to the beginning, and so does starting again", async ({ visitor, elsewhere, server, mailbox }) => {
  const person = await visitor.enters(server.baseURL, mailbox);
  const app = await setsUp(visitor);
  const other = await elsewhere();
  await knocks(other, person);
  for (let guess = 1; guess <= 5; guess += 1) {
    await other.fill({ code: app.wrongCode() });
    if (guess < 5) await other.send(FACTOR);
    else await other.page.locator(`form[action="${FACTOR}"] [type=submit]`).click();
  }
  await expect(other.page).toHaveURL("/login?notice=sign-in-over");
  await expect(other.notice).toContainText("Please sign in again.");
  await knocks(other, person);
  await other.send("/login/again");
  await expect(other.page).toHaveURL("/login");
  await other.open(FACTOR);
  await expect(other.page).toHaveURL("/login");
});

test("a trusted browser is not asked again, until its trust is ended", async ({ visitor, elsewhere, server, mailbox, inspect }) => {
  const person = await visitor.enters(server.baseURL, mailbox);
  const app = await setsUp(visitor);
  const other = await elsewhere();
  await knocks(other, person);
  await other.page.getByLabel("Trust this browser for 30 days").check();
  await other.fill({ code: await app.code() });
  await other.send(FACTOR);
  await expect(other.page).toHaveURL("/dashboard");
  await other.awake();
  await other.signOut();
  await other.awake();
  await other.signIn(person.email, person.password);
  await expect(other.page).toHaveURL("/dashboard");
  await visitor.open("/account/factors");
  await inspect(visitor, "/account/factors, a trusted browser");
  await visitor.send("/account/factors/browsers/end");
  await expect(visitor.page).toHaveURL("/account/factors?notice=browser-untrusted");
  await other.awake();
  await other.signOut();
  await knocks(other, person);
});

test("a session from before is asked for the second step and goes on where it was", async ({ visitor, elsewhere, server, mailbox }) => {
  const person = await visitor.enters(server.baseURL, mailbox);
  const old = await elsewhere();
  await old.comesBackAs(person, server.baseURL);
  await old.open("/account/history");
  await expect(old.heading).toHaveText("History");
  const app = await setsUp(visitor);
  await old.open("/account/sessions");
  await expect(old.page).toHaveURL("/login/factor?next=/account/sessions");
  await old.awake();
  await old.fill({ code: await app.code() });
  await old.send(FACTOR);
  await expect(old.page).toHaveURL("/account/sessions");
  await expect(old.heading).toHaveText("Sessions");
});
