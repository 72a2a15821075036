// The access token in the browser: kept in memory, renewed when it must be and never by two at once. Only one answer of
// the server ends a session; every other trouble is said and passes.

import { door, expect, pause, somebody, test as base } from "../support/fixtures.ts";
import { CALM, OFFLINE, Tab } from "../support/tab.ts";

const test = base.extend<{ tab: Tab }>({
  tab: async ({ page }, use) => use(new Tab(page)),
});

const RENEWED = ["refresh 200", "current_account 200"];

test("a token that the server no longer takes costs one refresh and one repeat", async ({ launch, elsewhere }) => {
  const server = await launch({ DOORWARD__TOKEN__ACCESS_LIFETIME: "4", DOORWARD__TOKEN__LEEWAY: "0" });
  const visitor = await elsewhere(server.baseURL);
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  // This browser's clock stands still, so it believes in its token for ever.
  await visitor.page.clock.setFixedTime(new Date());
  const tab = new Tab(visitor.page);
  await tab.open();
  await pause(5_000);
  await tab.rereads();
  expect(tab.calls).toEqual(["current_account 401", ...RENEWED]);
  await expect(visitor.fact("email")).toHaveText(person.email);
});

test("a token that ran out while nobody looked is renewed before it is sent", async ({ visitor, tab, page, server }) => {
  await visitor.entersAs(somebody(), server.baseURL);
  await page.clock.install();
  await tab.open();
  await tab.rereads();
  expect(tab.calls, "it still lives").toEqual(["current_account 200"]);
  tab.calls.length = 0;
  await page.clock.fastForward("11:00");
  await tab.rereads();
  expect(tab.calls).toEqual(RENEWED);
});

test("a token in use is renewed a minute before its end, one that lies unused is not", async ({
  visitor,
  tab,
  page,
  server,
}) => {
  await visitor.entersAs(somebody(), server.baseURL);
  await page.clock.install();
  await tab.open();
  const renewed = page.waitForResponse("**/actions/refresh");
  await page.clock.fastForward("09:30");
  await renewed;
  await tab.isQuiet();
  // Nobody has asked with the second one.
  await page.clock.fastForward("09:30");
  await page.clock.fastForward("02:00");
  await tab.rereads();
  expect(tab.calls).toEqual(["refresh 200", ...RENEWED]);
});

test("many who ask at once share one refresh", async ({ visitor, tab, page, server }) => {
  await visitor.entersAs(somebody(), server.baseURL);
  await page.clock.install();
  await tab.open();
  await page.clock.fastForward("11:00");
  const held = door();
  await page.route("**/actions/refresh", async (route) => {
    await held.opened;
    await route.continue();
  });
  const asked = page.waitForRequest("**/actions/refresh");
  await tab.comesBack(5);
  await asked;
  await tab.comesBack(3);
  await page.evaluate(() => window.dispatchEvent(new Event("online")));
  held.open();
  await expect.poll(() => tab.calls.filter((call) => call === "current_account 200")).toHaveLength(9);
  expect(tab.calls.filter((call) => call.startsWith("refresh"))).toEqual(["refresh 200"]);
});

test("tabs that renew at the same moment stay signed in, all of them", async ({ visitor, tab, context, server }) => {
  await visitor.entersAs(somebody(), server.baseURL);
  const tabs = [tab];
  for (let more = 0; more < 3; more++) tabs.push(new Tab(await context.newPage()));
  for (const each of tabs) {
    await each.page.clock.install();
    await each.open();
  }
  for (let round = 0; round < 3; round++) {
    for (const each of tabs) {
      each.calls.length = 0;
      await each.page.clock.fastForward("11:00");
    }
    await Promise.all(tabs.map((each) => each.rereads()));
    for (const each of tabs) expect(each.calls).toEqual(RENEWED);
  }
});

test("an answer that was lost on its way is asked for again and costs nothing", async ({ visitor, tab, page, server }) => {
  await visitor.entersAs(somebody(), server.baseURL);
  await page.clock.install();
  await tab.open();
  await page.clock.fastForward("11:00");
  // The server has done its half; the browser never hears of it, not even of the cookie.
  await page.route("**/actions/refresh", async (route) => {
    await route.fetch({ headers: { ...(await route.request().allHeaders()) } }).catch(() => undefined);
    await route.abort();
  });
  const before = await page.context().cookies();
  await tab.comesBack();
  await expect(tab.status).toHaveText(OFFLINE);
  await page.context().clearCookies();
  await page.context().addCookies(before);
  await page.unroute("**/actions/refresh");
  await tab.rereads();
  expect(tab.calls).toEqual(RENEWED);
});

test("a second refusal ends the session and leads to the login page and back", async ({ visitor, tab, page, server }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  await tab.open();
  await page.route("**/actions/current_account", (route) => route.fulfill({ status: 401, body: "{}" }));
  await tab.comesBack();
  await expect(page).toHaveURL("/login?next=/dashboard");
  await page.unroute("**/actions/current_account");
  // What is left says that somebody signed in here before, and signs nobody in.
  expect((await page.context().cookies()).map(({ name }) => name)).toEqual(["__Host-doorward-devices"]);
  expect(tab.calls.filter((call) => call.startsWith("current_account"))).toHaveLength(2);
  await visitor.awake();
  await visitor.signIn(person.email, person.password);
  await expect(page).toHaveURL("/dashboard");
});

test("a session that was ended elsewhere is over here at the next look", async ({ visitor, tab, page, server, playwright }) => {
  await visitor.entersAs(somebody(), server.baseURL);
  await tab.open();
  const cookies = await page.context().cookies();
  const other = await playwright.request.newContext({ baseURL: server.baseURL });
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  await other.post("/actions/log_out", {
    headers: { Cookie: cookie, Origin: server.baseURL, "Content-Type": "application/x-www-form-urlencoded" },
  });
  await other.dispose();
  await tab.comesBack();
  await expect(page).toHaveURL("/login?next=/dashboard");
  await expect(visitor.page.locator("body")).not.toContainText("@example.test");
});

const BUSY = "The server is busy at the moment. You are still signed in.";
const UNKNOWN = "We could not look up your account just now. You are still signed in.";
const troubles: [name: string, status: number, body: string, said: string][] = [
  ["a server that is busy", 503, '{"code":"unavailable","status":503,"detail":"busy"}', BUSY],
  ["a proxy without a server", 502, "<html>Bad Gateway</html>", BUSY],
  ["too many tries", 429, '{"code":"too_many_requests","status":429,"detail":"slow down"}', BUSY],
  ["a server that fails", 500, '{"code":"internal","status":500,"detail":"oops"}', UNKNOWN],
  ["a portal that answers in our place", 200, "<html>Welcome to the hotel</html>", OFFLINE],
];
for (const [name, status, body, said] of troubles) {
  test(`${name} is no sign-out: it is said, and passes`, async ({ visitor, tab, page, server }) => {
    await visitor.entersAs(somebody(), server.baseURL);
    await page.clock.install();
    await tab.open();
    for (const path of ["**/actions/refresh", "**/actions/current_account"]) {
      await page.route(path, (route) => route.fulfill({ status, body }));
      await page.clock.fastForward("11:00");
      await tab.comesBack();
      await expect(tab.status).toHaveText(said);
      await expect(page).toHaveURL("/dashboard");
      await page.unroute(path);
      await tab.rereads();
    }
  });
}

test("a server that asks for patience is given it", async ({ visitor, tab, page, server }) => {
  await visitor.entersAs(somebody(), server.baseURL);
  await page.clock.install();
  await tab.open();
  await page.clock.fastForward("11:00");
  let asked = 0;
  await page.route("**/actions/refresh", (route) => {
    asked += 1;
    return route.fulfill({ status: 503, headers: { "Retry-After": "30" }, body: "busy" });
  });
  await tab.comesBack();
  await expect(tab.status).toHaveText(BUSY);
  for (const wait of ["00:05", "00:10"]) {
    await page.clock.fastForward(wait);
    await tab.comesBack(2);
  }
  await page.unroute("**/actions/refresh");
  await page.clock.fastForward("00:20");
  await tab.rereads();
  expect(asked).toBe(1);
});

test("neither storage nor the document nor a global holds a token", async ({ visitor, tab, page }) => {
  const person = somebody();
  const tokens: string[] = [];
  page.on("request", (request) => {
    const bearer = request.headers()["authorization"]?.replace("Bearer ", "");
    if (bearer) tokens.push(bearer);
  });
  await visitor.register(person);
  await tab.listens();
  await tab.rereads();
  tokens.push(person.password, ...(await page.context().cookies()).map(({ value }) => value));
  expect(tokens.length).toBeGreaterThan(2);
  const found = await tab.withinReach();
  expect(found.startsWith('[[[],[]],"",')).toBe(true);
  for (const token of tokens) expect(found.includes(token)).toBe(false);
  expect(found).not.toMatch(/eyJ[\w-]{10,}\./);
  await expect(tab.status).toHaveText(CALM);
});
