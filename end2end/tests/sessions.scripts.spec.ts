// One person, several tabs, a line that breaks and a server that goes away: who is signed in stays so, and who signed
// out is signed out everywhere.

import { door, expect, type Page, type Server, somebody, test as base } from "../support/fixtures.ts";
import { CALM, OFFLINE, Tab } from "../support/tab.ts";
import { Visitor } from "../support/visitor.ts";

const test = base.extend<{ tab: Tab }>({
  tab: async ({ page }, use) => use(new Tab(page)),
});

/** Every cookie of this browser as one header, to be tried again later by somebody else. */
async function cookiesOf(page: Page): Promise<string> {
  return (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
}

/** What the server says to a refresh with that header. */
async function refreshWith(cookie: string, server: Server): Promise<number> {
  const answer = await fetch(`${server.baseURL}/actions/refresh`, {
    method: "POST",
    headers: { Cookie: cookie, Origin: server.baseURL, "Content-Type": "application/x-www-form-urlencoded" },
  });
  return answer.status;
}

test.describe("two tabs", () => {
  test("signing out in one empties the other", async ({ visitor, tab, context, server }) => {
    const person = somebody();
    await visitor.entersAs(person, server.baseURL);
    await tab.open();
    const other = new Tab(await context.newPage());
    await other.open();
    const home = await context.newPage();
    await home.goto("/");
    await expect(home.getByText(`Signed in as ${person.firstName}`)).toBeVisible();
    await new Visitor(home, true).hydrated();

    await visitor.signOut();
    await expect(other.page).toHaveURL("/login?notice=signed-out");
    await expect(other.page.locator("body")).not.toContainText(person.email);
    await expect(home.getByRole("link", { name: "Create account" })).toBeVisible();
    await expect(home.locator("body")).not.toContainText(person.firstName);
  });

  test("the other tab is empty at once and leaves only when the server knows", async ({ visitor, tab, context, server }) => {
    const person = somebody();
    await visitor.entersAs(person, server.baseURL);
    await tab.open();
    const other = new Tab(await context.newPage());
    // What one tab stores may reach another late: here it never does.
    await other.page.addInitScript(() => (Storage.prototype.getItem = () => null));
    await other.open();
    const held = door();
    await visitor.page.route("**/actions/log_out", async (route) => {
      await held.opened;
      await route.continue();
    });
    const visited: string[] = [];
    other.page.on("framenavigated", (frame) => visited.push(frame.url().replace(server.baseURL, "")));
    await visitor.page.getByRole("button", { name: "Sign out" }).click();
    await expect(other.page.locator("body")).not.toContainText(person.email);
    held.open();
    await expect(other.page).toHaveURL("/login?notice=signed-out");
    expect(visited).toEqual(["/login?notice=signed-out"]);
  });

  test("signing in in one moves the other on from the login page", async ({ visitor, context, server, elsewhere }) => {
    const person = somebody();
    await (await elsewhere()).entersAs(person, server.baseURL);
    const waiting: [path: string, end: string][] = [
      ["/login", "/dashboard"],
      ["/login?next=/?kept", "/?kept"],
      ["/register", "/dashboard"],
    ];
    const tabs: Page[] = [];
    for (const [path] of waiting) {
      const page = await context.newPage();
      await page.goto(path);
      await expect(page.locator("form.form").first()).toHaveAttribute("data-awake", "");
      tabs.push(page);
    }
    await visitor.open("/login");
    await visitor.signIn(person.username, person.password);
    await expect(visitor.page).toHaveURL("/dashboard");
    for (const [index, [, end]] of waiting.entries()) await expect(tabs[index] as Page).toHaveURL(end);
  });

  test("who signs in as somebody else is somebody else in every tab", async ({ visitor, tab, context, server, elsewhere }) => {
    const [first, second] = [somebody({ firstName: "Ada" }), somebody({ firstName: "Grace" })];
    await (await elsewhere()).entersAs(second, server.baseURL);
    const page = await context.newPage();
    await page.goto("/login");
    await expect(page.locator("form.form").first()).toHaveAttribute("data-awake", "");
    // From here on the login page that is open is out of date, as after the other tab's session came from elsewhere.
    await visitor.entersAs(first, server.baseURL);
    await tab.open();
    await expect(visitor.heading).toHaveText("Hello, Ada");
    await page.locator("#identifier").fill(second.username);
    await page.locator("#password").fill(second.password);
    await page.locator("#password").press("Enter");
    await expect(page).toHaveURL("/dashboard");
    await expect(visitor.heading).toHaveText("Hello, Grace");
    await expect(visitor.fact("email")).toHaveText(second.email);
  });

  test("a form that is being filled in is left alone when another tab signs out", async ({ visitor, context, server }) => {
    await visitor.open("/reset-password");
    await visitor.fill({ email: "mona@example.test" });
    const other = new Tab(await context.newPage());
    await visitor.entersAs(somebody(), server.baseURL);
    await other.open();
    await other.page.getByRole("button", { name: "Sign out" }).click();
    await expect(other.page).toHaveURL("/login?notice=signed-out");
    await expect(visitor.field("email")).toHaveValue("mona@example.test");
  });
});

for (const [how, ends] of [
  ["stopped", (server: Server) => server.stop()],
  ["killed", (server: Server) => server.kill()],
] as const) {
  test(`a server that is ${how} and started again keeps people signed in`, async ({ visitor, tab, page, server }) => {
    const person = somebody();
    await visitor.entersAs(person, server.baseURL);
    await tab.open();
    await ends(server);
    await tab.comesBack();
    await expect(tab.status).toHaveText(OFFLINE);
    await expect(visitor.fact("email")).toHaveText(person.email);
    await server.start();
    await tab.rereads();
    expect(tab.calls, "the access token outlives the server").toEqual(["current_account 200"]);
    await page.reload();
    await expect(visitor.heading).toHaveText(`Hello, ${person.firstName}`);
    await tab.listens();
  });
}

test.describe("offline", () => {
  test("is said on the dashboard, is no sign-out, and passes", async ({ visitor, tab, context, server }) => {
    const person = somebody();
    await visitor.entersAs(person, server.baseURL);
    await tab.open();
    await context.setOffline(true);
    await expect(tab.status).toHaveText(OFFLINE);
    await tab.comesBack();
    await expect(visitor.fact("email")).toHaveText(person.email);
    await tab.stale();
    await context.setOffline(false);
    // Nobody has to come back for it: the connection does.
    await expect(visitor.fact("email")).toHaveText(person.email);
    await expect(tab.status).toHaveText(CALM);
    await expect(visitor.page).toHaveURL("/dashboard");
  });

  test("keeps a form with all that was typed, and the same form can go again", async ({ visitor, context, server }) => {
    const person = somebody();
    await visitor.entersAs(person, server.baseURL);
    await context.clearCookies();
    await visitor.open("/login");
    await context.setOffline(true);
    await visitor.fill({ identifier: person.username, password: person.password });
    await visitor.field("password").press("Enter");
    await expect(visitor.alert).toContainText("We could not reach the server.");
    await expect(visitor.alert).toBeFocused();
    await expect(visitor.field("identifier")).toHaveValue(person.username);
    await expect(visitor.field("password")).toHaveValue(person.password);
    await context.setOffline(false);
    await visitor.field("password").press("Enter");
    await expect(visitor.page).toHaveURL("/dashboard");
  });

  test("a sign-out clears the screen at once and is finished when the line is back", async ({
    visitor,
    tab,
    context,
    server,
  }) => {
    const person = somebody();
    await visitor.entersAs(person, server.baseURL);
    await tab.open();
    const cookie = await cookiesOf(visitor.page);
    await context.setOffline(true);
    await visitor.page.getByRole("button", { name: "Sign out" }).click();
    await expect(visitor.page.getByText("Signed out in this browser.")).toBeVisible();
    await expect(visitor.page.locator("body")).not.toContainText(person.email);
    await expect(visitor.page.locator("body")).not.toContainText(person.firstName);
    expect(await refreshWith(cookie, server), "the server cannot know yet").toBe(200);
    await context.setOffline(false);
    await expect(visitor.page).toHaveURL("/login?notice=signed-out");
    expect(await refreshWith(cookie, server)).toBe(401);
    expect(await visitor.page.evaluate(() => localStorage.length)).toBe(0);
  });
});

test("a sign-out while the server is away is finished by the next page that is opened", async ({ visitor, tab, server }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  await tab.open();
  const cookie = await cookiesOf(visitor.page);
  await server.kill();
  await visitor.page.getByRole("button", { name: "Sign out" }).click();
  await expect(visitor.page.getByText("Signed out in this browser.")).toBeVisible();
  await expect(visitor.page.locator("body")).not.toContainText(person.email);
  await server.start();
  await visitor.page.getByRole("link", { name: "Sign in" }).click();
  await expect(visitor.page).toHaveURL("/login?notice=signed-out");
  expect(await refreshWith(cookie, server)).toBe(401);
  await visitor.awake();
  await visitor.signIn(person.username, person.password);
  await expect(visitor.page).toHaveURL("/dashboard");
  await tab.listens();
  await expect(visitor.heading).toHaveText(`Hello, ${person.firstName}`);
});

test("a sign-out that the server was too busy for is not forgotten", async ({ visitor, tab, page, server }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  await tab.open();
  const cookie = await cookiesOf(page);
  await page.route("**/actions/log_out", (route) => route.fulfill({ status: 503, body: "busy" }));
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByText("Signed out in this browser.")).toBeVisible();
  await page.unroute("**/actions/log_out");
  await page.goto("/");
  await expect(page.getByRole("link", { name: "Create account" })).toBeVisible();
  expect(await refreshWith(cookie, server)).toBe(401);
});

test("a browser that stores nothing signs out all the same", async ({ visitor, tab, page, server }) => {
  await visitor.entersAs(somebody(), server.baseURL);
  await page.addInitScript(() => {
    Storage.prototype.setItem = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
  });
  await tab.open();
  const cookie = await cookiesOf(page);
  await visitor.signOut();
  expect(await refreshWith(cookie, server)).toBe(401);
});

test("the way back after a sign-out shows nothing private", async ({ visitor, tab, page, server }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  await page.goto("/");
  await tab.open();
  await visitor.signOut();
  for (let back = 0; back < 2; back++) {
    await page.goBack();
    await expect(page.locator("main")).toBeVisible();
    await expect(page.locator("body")).not.toContainText(person.email);
    await expect(page.locator("body")).not.toContainText(person.firstName);
  }
});

test("a page that the browser kept as it was is not shown as it was", async ({ visitor, tab, page, server }) => {
  await visitor.entersAs(somebody(), server.baseURL);
  await tab.open();
  await tab.stale();
  const reloaded = page.waitForEvent("load");
  await page.evaluate(() => window.dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
  await reloaded;
  await expect(page.locator("[data-fact=email]")).not.toHaveText("stale");
});
