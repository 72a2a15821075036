// Passkeys, by Chromium's virtual authenticator.

import type { Page } from "@playwright/test";
import { Authenticator } from "../support/authenticator.ts";
import { expect, goodPassword, type Mailbox, type Person, type Server, Visitor } from "../support/fixtures.ts";
import { FrontEnd } from "../support/front-end.ts";
import { test } from "../support/inspect.ts";
import { scanned } from "../support/totp.ts";

const WITH_PASSKEY = "Sign in with a passkey";
const LOGIN_FORM = 'form[action="/login/passkey"]';

/** Somebody who has signed in and confirmed the address, before a page with a fingerprint reader. */
async function confirmed(visitor: Visitor, server: Server, mailbox: Mailbox): Promise<[Person, Authenticator]> {
  return [await visitor.enters(server.baseURL, mailbox), await Authenticator.for(visitor.page)];
}

/** Makes a passkey by the form. The account's first comes with recovery codes. */
async function enrol(visitor: Visitor, name: string): Promise<void> {
  await visitor.open("/account/factors");
  await visitor.page.locator("#new-passkey").fill(name);
  const first = (await visitor.page.locator("main ul.rows > li").count()) === 0;
  await visitor.button("Add a passkey").click();
  await expect(visitor.page).toHaveURL(first ? /\/account\/factors\/recovery-codes/ : /notice=passkey-added/);
}

/** As `confirmed`, with a passkey of that name. */
async function owner(visitor: Visitor, server: Server, mailbox: Mailbox, name = "Laptop"): Promise<[Person, Authenticator]> {
  const [person, reader] = await confirmed(visitor, server, mailbox);
  await enrol(visitor, name);
  return [person, reader];
}

/** Signs out, and opens the login page of a browser that offers no passkeys by itself. */
async function comesToSignIn(visitor: Visitor, path = "/login"): Promise<void> {
  await visitor.page.addInitScript(() => {
    Object.defineProperty(PublicKeyCredential, "isConditionalMediationAvailable", { value: async () => false });
  });
  await visitor.page.context().clearCookies();
  await visitor.open(path);
}

function alertIn(page: Page, form: string) {
  return page.locator(form).getByRole("alert");
}

test("a passkey is made, named, renamed and removed", async ({ visitor, server, mailbox }) => {
  const [person, reader] = await owner(visitor, server, mailbox);
  expect(await reader.passkeys()).toHaveLength(1);
  const row = visitor.page.locator("main ul.rows > li", { hasText: "Laptop" });
  await visitor.open("/account/factors");
  await expect(row).toContainText("Not used yet");
  await visitor.page.getByLabel("Rename the passkey Laptop").click();
  await row.getByRole("textbox", { name: "Name" }).fill("Old laptop");
  await visitor.button("Save the name").click();
  await expect(visitor.page).toHaveURL("/account/factors?notice=passkey-renamed");
  await expect(visitor.page.locator("main ul.rows > li strong")).toHaveText("Old laptop");
  await visitor.awake();
  await visitor.page.getByRole("button", { name: "Remove the passkey Old laptop" }).click();
  await expect(visitor.page).toHaveURL("/account/factors?notice=passkey-removed");
  await expect(visitor.page.locator("main ul.rows")).toHaveCount(0);
  // The factor is gone, so the password is enough again.
  await comesToSignIn(visitor);
  await visitor.signIn(person.email, person.password);
  await expect(visitor.page).toHaveURL("/dashboard");
});

test("a name that cannot be is told beside its field, and the same device takes no second passkey", async ({
  visitor,
  server,
  mailbox,
}) => {
  await owner(visitor, server, mailbox);
  await visitor.open("/account/factors");
  await visitor.page.locator("#new-passkey").fill("Second");
  await visitor.button("Add a passkey").click();
  await expect(alertIn(visitor.page, 'form[action="/account/factors/passkeys"]')).toHaveText(/has a passkey/);
  await visitor.page.getByLabel("Rename the passkey Laptop").click();
  const row = visitor.page.locator("main ul.rows > li");
  await row.getByRole("textbox", { name: "Name" }).fill("x".repeat(500));
  await visitor.button("Save the name").click();
  await expect(row.locator(".field-error:visible")).toHaveText(/characters/);
  await expect(row.getByRole("textbox", { name: "Name" })).toBeFocused();
});

test("a passkey alone signs in, where the address bar led, and is remembered as the box says", async ({
  visitor,
  server,
  mailbox,
}) => {
  await owner(visitor, server, mailbox);
  await comesToSignIn(visitor, "/login?next=/account/sessions");
  await visitor.page.getByLabel("Keep me signed in").check();
  await visitor.button(WITH_PASSKEY).click();
  await expect(visitor.page).toHaveURL("/account/sessions");
  const cookies = await visitor.page.context().cookies();
  expect(cookies.find((cookie) => cookie.name === "__Host-doorward")?.expires).toBeGreaterThan(Date.now() / 1000);
  await visitor.open("/account/factors");
  await expect(visitor.page.locator("main ul.rows > li").first()).toContainText("Last used");
});

test("the keyboard alone signs in with a passkey", async ({ visitor, server, mailbox }) => {
  await owner(visitor, server, mailbox);
  await comesToSignIn(visitor);
  await expect(visitor.field("identifier")).toBeFocused();
  const button = visitor.button(WITH_PASSKEY);
  for (let stop = 0; stop < 8 && !(await button.evaluate((it) => it === document.activeElement)); stop++) {
    await visitor.page.keyboard.press("Tab");
  }
  await expect(button).toBeFocused();
  await visitor.page.keyboard.press("Enter");
  await expect(visitor.page).toHaveURL("/dashboard");
});

test("a passkey that the browser fills in signs in", async ({ visitor, server, mailbox }) => {
  await owner(visitor, server, mailbox);
  await visitor.page.context().clearCookies();
  const asked = visitor.page.waitForRequest("**/actions/start_passkey_log_in");
  // The authenticator chooses at once what a person would choose in the field.
  await visitor.page.goto("/login");
  expect((await asked).postData()).toBe("autofill=yes");
  await expect(visitor.page).toHaveURL("/dashboard");
});

test("the button takes over from what the browser offers", async ({ visitor, server, mailbox }) => {
  const { page } = visitor;
  const [, reader] = await owner(visitor, server, mailbox);
  await page.context().clearCookies();
  await page.addInitScript(() => {
    const get = navigator.credentials.get.bind(navigator.credentials);
    navigator.credentials.get = (options) => {
      document.documentElement.dataset.asked = options?.mediation ?? "at once";
      return get(options);
    };
  });
  // Nobody touches it, so the offer waits.
  await reader.isTouched(false);
  await visitor.open("/login");
  await expect(page.locator("html")).toHaveAttribute("data-asked", "conditional");
  await expect(visitor.field("identifier")).toHaveAttribute("autocomplete", "username webauthn");
  await reader.isTouched(true);
  const asked = page.waitForRequest("**/actions/start_passkey_log_in");
  await visitor.button(WITH_PASSKEY).click();
  expect((await asked).postData()).toBeFalsy();
  await expect(page).toHaveURL("/dashboard");
});

test("the password and then a passkey sign in", async ({ visitor, server, mailbox }) => {
  const [person] = await owner(visitor, server, mailbox);
  await comesToSignIn(visitor, "/login?next=/account");
  await visitor.signIn(person.email, person.password);
  await expect(visitor.page).toHaveURL("/login/factor");
  await visitor.awake();
  await visitor.button("Use a passkey").click();
  await expect(visitor.page).toHaveURL("/account");
});

test("a browser that is trusted is not asked, and what is sensitive asks for the passkey even there", async ({
  visitor,
  server,
  mailbox,
  inspect,
}) => {
  const { page } = visitor;
  const [person] = await owner(visitor, server, mailbox);
  await comesToSignIn(visitor);
  await visitor.signIn(person.email, person.password);
  await expect(page).toHaveURL("/login/factor");
  await visitor.awake();
  await page.getByLabel("Trust this browser for 30 days").check();
  await visitor.button("Use a passkey").click();
  await expect(page).toHaveURL("/dashboard");
  await visitor.signOut();
  await visitor.signIn(person.email, person.password);
  await expect(page).toHaveURL("/dashboard");
  await visitor.open("/account/privacy");
  await visitor.send("/account/privacy/delete");
  await expect(visitor.heading).toHaveText("Confirm it is you");
  await visitor.awake();
  await inspect(visitor, "Confirm it is you, by passkey");
  await visitor.button("Confirm with a passkey").click();
  await expect(page).toHaveURL("/login?notice=deletion-requested");
});

test("a box that is ticked beside the code counts for the passkey, too", async ({ visitor, server, mailbox }) => {
  const { page } = visitor;
  const [person] = await owner(visitor, server, mailbox);
  await visitor.open("/account/factors");
  await visitor.send("/account/factors/app/start");
  await visitor.awake();
  const app = await scanned(visitor);
  await visitor.fill({ code: await app.code() });
  await visitor.send("/account/factors/app");
  await comesToSignIn(visitor);
  await visitor.signIn(person.email, person.password);
  await visitor.awake();
  await page.getByLabel("Trust this browser for 30 days").check();
  await visitor.button("Use a passkey").click();
  await expect(page).toHaveURL("/dashboard");
  await visitor.open("/account/factors");
  await expect(page.locator("#browsers, main").getByText("Trusted browsers").first()).toBeVisible();
});

test("who does without a password gives it a last time, and the passkey signs in", async ({ visitor, server, mailbox }) => {
  const { page } = visitor;
  const [person] = await owner(visitor, server, mailbox);
  const REMOVE = "/account/security/password/remove";
  await visitor.open("/account/security");
  await visitor.fill({ old_password: goodPassword() });
  await visitor.send(REMOVE);
  await expect(visitor.errorOf("old_password")).toHaveText(/not your password/);
  await expect(visitor.field("old_password")).toBeFocused();
  await visitor.fill({ old_password: person.password });
  await visitor.send(REMOVE);
  await expect(page).toHaveURL("/account/security?notice=password-removed");
  await expect(page.locator(`form[action="${REMOVE}"]`)).toHaveCount(0);
  await comesToSignIn(visitor);
  await visitor.signIn(person.email, person.password);
  await expect(page.locator("main").getByRole("alert").first()).toBeVisible();
  await visitor.button(WITH_PASSKEY).click();
  await expect(page).toHaveURL("/dashboard");
});

test("who is not recognised by the authenticator stays where they are, and may try again", async ({
  visitor,
  server,
  mailbox,
}) => {
  const [, reader] = await owner(visitor, server, mailbox);
  await comesToSignIn(visitor);
  await reader.knowsItsOwner(false);
  await visitor.button(WITH_PASSKEY).click();
  await expect(alertIn(visitor.page, LOGIN_FORM)).toHaveText(/No passkey was used/);
  await expect(visitor.page.locator("form[aria-busy]")).toHaveCount(0);
  await expect(visitor.page).toHaveURL("/login");
  await reader.knowsItsOwner(true);
  await visitor.button(WITH_PASSKEY).click();
  await expect(visitor.page).toHaveURL("/dashboard");
});

test("a browser without passkeys says so", async ({ visitor }) => {
  await visitor.page.addInitScript(() => Reflect.deleteProperty(window, "PublicKeyCredential"));
  await visitor.open("/login");
  await visitor.button(WITH_PASSKEY).click();
  await expect(alertIn(visitor.page, LOGIN_FORM)).toHaveText(/cannot use passkeys/);
});

test("a passkey that was removed signs nobody in", async ({ visitor, server, mailbox }) => {
  await owner(visitor, server, mailbox);
  await visitor.open("/account/factors");
  await visitor.page.getByRole("button", { name: "Remove the passkey Laptop" }).click();
  await expect(visitor.page).toHaveURL("/account/factors?notice=passkey-removed");
  await comesToSignIn(visitor);
  await visitor.button(WITH_PASSKEY).click();
  await expect(alertIn(visitor.page, LOGIN_FORM)).toHaveText(/not known here/);
  await expect(visitor.page).toHaveURL("/login");
});

test("a copy of a passkey is noticed: it is refused, and its owner is told", async ({ visitor, server, mailbox }) => {
  const [person, reader] = await owner(visitor, server, mailbox);
  const [copy] = await reader.passkeys();
  if (!copy) throw new Error("no passkey was kept");
  for (const round of [1, 2]) {
    await comesToSignIn(visitor);
    await visitor.button(WITH_PASSKEY).click();
    await expect(visitor.page, `sign-in ${round}`).toHaveURL("/dashboard");
  }
  await reader.keep({ ...copy, signCount: 1 });
  const before = (await mailbox.all(person.email)).length;
  await comesToSignIn(visitor);
  await visitor.button(WITH_PASSKEY).click();
  await expect(alertIn(visitor.page, LOGIN_FORM)).toHaveText(/may be a copy/);
  await expect(visitor.page).toHaveURL("/login");
  await expect.poll(async () => (await mailbox.all(person.email)).length).toBeGreaterThan(before);
});

test("what another origin has asked a passkey for is refused", async ({ visitor, server, mailbox }) => {
  await owner(visitor, server, mailbox);
  const { page } = visitor;
  await page.context().clearCookies();
  const post = async (name: string, form: Record<string, string>) =>
    page.request.post(`${server.baseURL}/actions/${name}`, { form, headers: { Origin: server.baseURL } });
  // The same machine at another port: to WebAuthn the same domain, and yet another origin.
  const elsewhere = await FrontEnd.launch("s1", 0);
  const given = (await (await post("start_passkey_log_in", {})).json()) as { ceremony: string; options: string };
  const ask = (options: string) =>
    page.evaluate(async (options) => {
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(options).publicKey);
      return JSON.stringify(await navigator.credentials.get({ publicKey }));
    }, options);
  await page.goto(`${elsewhere.origin()}/`);
  const credential = await ask(given.options);
  await elsewhere.close();
  const refused = await post("log_in_with_passkey", { ceremony: given.ceremony, credential });
  expect(refused.status()).toBe(422);
  expect((await page.context().cookies(server.baseURL)).map((cookie) => cookie.name)).not.toContain("__Host-doorward");
  // The same steps at home do sign in, so it was the origin.
  await page.goto(`${server.baseURL}/reset-password`);
  const again = (await (await post("start_passkey_log_in", {})).json()) as { ceremony: string; options: string };
  const answer = { ceremony: again.ceremony, credential: await ask(again.options) };
  expect((await post("log_in_with_passkey", answer)).status()).toBe(200);
  // And only once.
  expect((await post("log_in_with_passkey", answer)).status()).toBe(422);
});

test("the pages look right to axe, and nothing moves when scripts wake", async ({ visitor, server, mailbox, inspect }) => {
  const hold: { go?: () => void } = {};
  const held = new Promise<void>((go) => (hold.go = go));
  await visitor.page.route("**/*.wasm", async (route) => {
    await held;
    await route.continue();
  });
  await visitor.page.goto("/login");
  const place = async () => visitor.page.locator("main .card").boundingBox();
  const before = await place();
  await expect(visitor.button(WITH_PASSKEY)).toBeHidden();
  hold.go?.();
  await visitor.awake();
  await expect(visitor.button(WITH_PASSKEY)).toBeVisible();
  expect(await place()).toEqual(before);
  await visitor.page.unroute("**/*.wasm");
  await inspect(visitor, "/login, with passkeys");
  await owner(visitor, server, mailbox, "A laptop with quite a long name, on the desk at home");
  await visitor.open("/account/factors");
  await visitor.page.locator("summary", { hasText: "Rename" }).click();
  await inspect(visitor, "/account/factors, with a passkey");
});
