// "Confirm it is you": a form that needs the password once more loses nothing of what was typed, with scripts and without.
// All of it is one test, which waits once until every proof is too old: the setting's minimum is a minute.

import { readFile } from "node:fs/promises";
import { expect, goodPassword, pause, type Person, somebody, Visitor } from "../support/fixtures.ts";
import { test } from "../support/inspect.ts";

const EMAIL = "/account/security/email";
const ASKED = "Confirm it is you";

type Act = (visitor: Visitor, person: Person) => Promise<void>;

const ACTS: Record<string, Act> = {
  "a new address is kept through the question and through a wrong answer": async (visitor, person) => {
    const { page } = visitor;
    const next = somebody().email;
    await visitor.open("/account/security");
    await visitor.fill({ email: next });
    await isAsked(visitor, EMAIL);
    await expect(visitor.field("email")).toHaveValue(next);
    await expect(visitor.field("email")).toBeHidden();
    await visitor.fill({ current_password: goodPassword() });
    await visitor.send(EMAIL);
    await expect(visitor.errorOf("current_password")).toHaveText(/not your password/);
    await expect(visitor.field("email")).toHaveValue(next);
    await visitor.awake();
    await visitor.fill({ current_password: person.password });
    await visitor.send(EMAIL);
    await expect(page).toHaveURL("/confirm-email-change?notice=email-change-sent");
    // For a while nothing is asked.
    await visitor.open("/account");
    await visitor.fill({ username: somebody().username });
    await visitor.send("/account/username");
    await expect(page).toHaveURL("/account?notice=username-changed");
  },

  "an address that cannot be is told beside its field, once the password is given": async (visitor, person) => {
    await visitor.open("/account/security");
    await visitor.fill({ email: "mona" });
    await isAsked(visitor, EMAIL);
    await answers(visitor, person, EMAIL);
    await expect(visitor.heading).toHaveText("Security");
    await expect(visitor.errorOf("email")).toHaveText(/such as/);
    await expect(visitor.field("email")).toHaveValue("mona");
  },

  "the session that was to end is the one that ends": async (visitor, person) => {
    const { page } = visitor;
    await visitor.open("/account/sessions");
    await isAsked(visitor, "/account/sessions/end");
    await answers(visitor, person, "/account/sessions/end");
    await expect(page).toHaveURL("/account/sessions?notice=session-ended");
    await expect(page.locator("main ul.rows > li")).toHaveCount(1);
  },

  "the download comes after the answer": async (visitor, person) => {
    await visitor.open("/account/privacy");
    await isAsked(visitor, "/account/privacy/export");
    await visitor.fill({ current_password: person.password });
    const started = visitor.page.waitForEvent("download");
    await visitor.button("Confirm").click();
    const file = JSON.parse(await readFile(await (await started).path(), "utf8")) as { account: { email: string } };
    expect(file.account.email).toBe(person.email);
  },

  "who cancels has changed nothing": async (visitor, person) => {
    await visitor.open("/account/privacy");
    await isAsked(visitor, "/account/privacy/delete");
    await visitor.page.getByRole("link", { name: "Cancel" }).click();
    await expect(visitor.page).toHaveURL("/account");
    await visitor.open("/dashboard");
    await expect(visitor.fact("email")).toHaveText(person.email);
  },
};

/** Sends the form and is asked for the password first. */
async function isAsked(visitor: Visitor, action: string): Promise<void> {
  await visitor.send(action);
  await expect(visitor.heading).toHaveText(ASKED);
  await expect(visitor.field("current_password")).toBeFocused();
  await visitor.awake();
}

async function answers(visitor: Visitor, person: Person, action: string): Promise<void> {
  await visitor.fill({ current_password: person.password });
  await visitor.send(action);
}

test("the question for the password loses nothing, and goes on where the person was", async ({ launch, browser, inspect }) => {
  test.slow();
  const server = await launch({ DOORWARD__ACCOUNT__PROOF_AGE: "60" });
  const started: [title: string, visitor: Visitor, run: () => Promise<void>][] = [];
  for (const scripts of [true, false]) {
    for (const [title, act] of Object.entries(ACTS)) {
      const context = await browser.newContext({ baseURL: server.baseURL, javaScriptEnabled: scripts, locale: "en-GB" });
      const visitor = new Visitor(await context.newPage(), scripts);
      const person = somebody();
      await visitor.entersAs(person, server.baseURL);
      // A second session, for the list. It is the first one that waits for what is asked of it.
      const cookies = await context.cookies();
      await context.clearCookies();
      await visitor.comesBackAs(person, server.baseURL);
      await context.clearCookies();
      await context.addCookies(cookies);
      started.push([`${title}, scripts ${scripts ? "on" : "off"}`, visitor, () => act(visitor, person)]);
    }
  }
  await pause(61_500);
  const [, first] = started[0] ?? [];
  if (first) {
    await first.open("/account/privacy");
    await isAsked(first, "/account/privacy/delete");
    await inspect(first, ASKED);
  }
  for (const [title, visitor, run] of started) {
    await test.step(title, run);
    await visitor.page.context().close();
  }
});
