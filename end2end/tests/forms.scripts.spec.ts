// What scripts add to a form.

import { door, expect, type Page, registration, somebody, test } from "../support/fixtures.ts";

/** Beside it stands the one of a passkey. */
const LOGIN = 'form[action="/login"]';

test("a password can be shown and is hidden again when the form is sent", async ({ visitor, page }) => {
  await visitor.open("/login");
  const button = page.getByRole("button", { name: "Show password" });
  const password = visitor.field("password");
  await password.fill("open sesame");
  await expect(button).toHaveAttribute("aria-pressed", "false");
  await button.click();
  await expect(password).toHaveAttribute("type", "text");
  await expect(button).toHaveAttribute("aria-pressed", "true");
  await expect(password).toHaveValue("open sesame");
  await button.press("Enter");
  await expect(password).toHaveAttribute("type", "password");
  await button.press("Space");
  await expect(password).toHaveAttribute("type", "text");
  await visitor.field("identifier").fill("mona");
  await visitor.send();
  await expect(password).toHaveAttribute("type", "password");
  await expect(button).toHaveAttribute("aria-pressed", "false");
});

test("each of two passwords has a button of its own", async ({ visitor, page }) => {
  await visitor.open("/register");
  await page.getByRole("button", { name: "Show password" }).nth(1).click();
  await expect(visitor.field("password")).toHaveAttribute("type", "password");
  await expect(visitor.field("password_again")).toHaveAttribute("type", "text");
});

test("a form that is on its way says so, is sent once, and its button keeps the focus", async ({ visitor, page }) => {
  const sent: string[] = [];
  const held = door();
  await page.route("**/actions/log_in", async (route) => {
    sent.push(route.request().postData() ?? "");
    await held.opened;
    await route.continue();
  });
  await visitor.open("/login");
  await visitor.fill({ identifier: "mona", password: "wrong" });
  const button = page.locator(`${LOGIN} [type=submit]`);
  await button.dblclick();
  await visitor.field("password").press("Enter");
  await button.focus();
  await expect(page.locator(LOGIN)).toHaveAttribute("aria-busy", "true");
  await expect(button).toHaveAttribute("aria-disabled", "true");
  await expect(button).toHaveText("Signing in…", { useInnerText: true });
  await expect(button).toBeFocused();
  held.open();
  await expect(visitor.alert).toContainText("do not match");
  await expect(button).toHaveText("Sign in", { useInnerText: true });
  await expect(page.locator(LOGIN)).not.toHaveAttribute("aria-busy");
  expect(sent).toHaveLength(1);
});

test("an error stays in the same document, and nothing typed into the address", async ({ visitor, page }) => {
  await visitor.open("/register");
  await mark(page);
  await visitor.fill({ ...registration(somebody()), username: "ab" });
  await visitor.send();
  await expect(visitor.errorOf("username")).toBeVisible();
  expect(await isMarked(page)).toBe(true);
  await expect(page).toHaveURL("/register");
});

test("the skip link leads to the main part and leaves what is typed", async ({ visitor, page }) => {
  await visitor.open("/login");
  await mark(page);
  await visitor.field("identifier").fill("mona");
  await page.locator(".skip").focus();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL("/login#main");
  await expect(page.locator("#main")).toBeFocused();
  await expect(visitor.field("identifier")).toHaveValue("mona");
  expect(await isMarked(page)).toBe(true);
});

// On a slow line people are faster than the scripts.
for (const missing of ["doorward.*.wasm", "doorward.*.js", "start.*.js"]) {
  test(`a form sent before ${missing} has arrived does what it does without scripts`, async ({ visitor, page, server }) => {
    // Never answered: it is still on its way when the test ends.
    await page.route(`**/pkg/${missing}`, () => {});
    const openFaster = async (path: string) => {
      const asked = page.waitForRequest(`**/pkg/${missing}`);
      await page.goto(path, { waitUntil: "commit" });
      await asked;
      // The script that starts the others is there: it keeps the router's hands off forms that are not awake.
      if (!missing.startsWith("start")) await page.waitForFunction(() => "__RESOLVED_RESOURCES" in window);
    };
    await openFaster("/login");
    await page.locator("#identifier").fill("mona");
    await page.locator("#password").fill("wrong");
    await page.locator(`${LOGIN} [type=submit]`).click();
    await expect(visitor.alert).toContainText("do not match");
    await expect(visitor.field("identifier")).toHaveValue("mona");

    const person = somebody();
    await visitor.entersAs(person, server.baseURL);
    await openFaster("/dashboard");
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page).toHaveURL("/login?notice=signed-out");
    await expect(page.getByRole("status")).toHaveText("You are signed out.");
    await page.locator("#identifier").fill(person.email);
    await page.locator("#password").fill(person.password);
    await page.locator(`${LOGIN} [type=submit]`).click();
    await expect(page).toHaveURL("/dashboard");
    await expect(visitor.heading).toHaveText(`Hello, ${person.firstName}`);
  });
}

test("every script comes after the first paint", async ({ visitor, page }) => {
  await page.addInitScript(() => {
    // The clock that goes where no paint is told shall not be it.
    const wait = window.setTimeout;
    Object.assign(window, { setTimeout: (go: () => void, ms?: number) => (ms === 2000 ? 0 : wait(go, ms)) });
  });
  await visitor.open("/login");
  const [paint, scripts] = await page.evaluate(() => {
    const files = performance.getEntriesByType("resource").filter(({ name }) => /\.(js|wasm)$/.test(name));
    const starts = files.map(({ name, startTime }) => ({ kind: name.replace(/.*\/(\w+)\..*\.(\w+)/, "$1.$2"), startTime }));
    return [performance.getEntriesByName("first-paint")[0]?.startTime ?? Number.NaN, starts] as const;
  });
  expect(scripts.map(({ kind }) => kind).sort()).toEqual(["doorward.js", "doorward.wasm", "start.js"]);
  for (const { kind, startTime } of scripts) expect(startTime, kind).toBeGreaterThanOrEqual(paint);
});

test("a browser that tells nothing of paints gets its scripts all the same", async ({ visitor, page }) => {
  await page.addInitScript(() => {
    PerformanceObserver.prototype.observe = () => {};
  });
  await visitor.open("/login");
  await expect(page.locator("form[data-awake]").first()).toBeVisible();
});

async function mark(page: Page): Promise<void> {
  await page.evaluate(() => Object.assign(window, { marked: true }));
}

async function isMarked(page: Page): Promise<boolean> {
  return page.evaluate(() => "marked" in window);
}
