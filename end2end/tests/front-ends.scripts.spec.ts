// Front ends that exist, written anew in the shape of four well-known tutorials, run against us unchanged: theirs is port
// 3000, ours 8000, as they have it in their sources.

import type { Page } from "@playwright/test";
import { expect, goodPassword, Mailbox, type Person, pause, Server, somebody, test as base } from "../support/fixtures.ts";
import { FrontEnd, type Shape } from "../support/front-end.ts";

const PORT = 8000;
const SERVER = `http://localhost:${PORT}`;
const PAGES = "http://localhost:3000";
const VARIABLES = {
  DOORWARD__COMPAT__ENABLED: "true",
  DOORWARD__COMPAT__FRONT_END: PAGES,
  DOORWARD__CORS__ORIGINS: `${PAGES},http://127.0.0.1:3000`,
  DOORWARD__TOKEN__LEEWAY: "0",
};

/** What differs between the four, seen from outside. */
interface Told {
  /** Seconds that its access tokens live; with a timer, so many that a slow machine is in time. */
  readonly life: number;
  /** Path of its refresh. */
  readonly refresh: string;
  /** The refresh token that this browser holds. */
  readonly held: (page: Page) => Promise<string | undefined>;
  /** Whether its way out tells the server. Where it does not, the token lives until the password is a new one. */
  readonly tellsServer: boolean;
}

const fromCookie = (name: string, origin: string) => async (page: Page) =>
  (await page.context().cookies(origin)).find((cookie) => cookie.name === name)?.value;

const SHAPES: Record<Shape, Told> = {
  s1: { life: 2, refresh: "/auth/jwt/refresh", held: fromCookie("refreshToken", PAGES), tellsServer: true },
  s2: { life: 2, refresh: "/api/v1/sessions/refresh", held: fromCookie("__Host-doorward", SERVER), tellsServer: true },
  s3: { life: 2, refresh: "/api/auth/token/refresh/", held: fromCookie("refresh", PAGES), tellsServer: false },
  s4: {
    life: 6,
    refresh: "/api/token/refresh/",
    held: (page) => page.evaluate(() => JSON.parse(localStorage.getItem("authTokens") ?? "null")?.refresh),
    tellsServer: false,
  },
};

interface Scene {
  readonly server: Server;
  readonly front: FrontEnd;
  readonly mailbox: Mailbox;
}

/** Server and front end, each on the port that the other one expects. */
const test = base.extend<{ stage: (shape: Shape, more?: Record<string, string>) => Promise<Scene> }>({
  stage: async ({}, use, test) => {
    const scenes: Scene[] = [];
    await use(async (shape, more = {}) => {
      const life = { DOORWARD__TOKEN__ACCESS_LIFETIME: String(SHAPES[shape].life) };
      const server = await Server.launch({ ...VARIABLES, ...life, ...more }, PORT);
      const scene = { server, front: await FrontEnd.launch(shape), mailbox: new Mailbox(server.baseURL) };
      scenes.push(scene);
      return scene;
    });
    for (const { server, front } of scenes) {
      if (test.status !== test.expectedStatus) await test.attach("front-end-server.log", { body: server.log });
      await front.close();
      await server.dispose();
    }
  },
});

// One after the other: all want the same two ports.
test.describe.configure({ mode: "default", timeout: 180_000 });

async function submit(page: Page, fields: Record<string, string>): Promise<void> {
  for (const [name, value] of Object.entries(fields)) await page.locator(`input[name="${name}"]`).fill(value);
  await page.locator("form button").click();
}

async function registers(page: Page, front: FrontEnd, { email, username, password }: Person): Promise<void> {
  await page.goto(`${front.origin()}/auth/register`);
  await submit(page, { email, username, password });
  await expect(page).toHaveURL(/\/auth\/login$/);
}

async function signsIn(page: Page, person: Person): Promise<void> {
  await submit(page, { email: person.email, password: person.password });
  await isGreeted(page, person);
}

async function isGreeted(page: Page, person: Person): Promise<void> {
  await expect(page.getByRole("heading")).toHaveText(`Hi, ${person.username}!`);
  await expect(page.locator("[data-fact=email]")).toHaveText(person.email);
}

/** What the server says to a refresh token that is sent from elsewhere. */
async function refreshed(shape: Shape, token: string): Promise<number> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (shape === "s2") headers.cookie = `__Host-doorward=${token}`;
  const body = shape === "s2" ? undefined : JSON.stringify({ refresh: token });
  return (await fetch(SERVER + SHAPES[shape].refresh, { method: "POST", headers, body })).status;
}

/** The whole way of a person through a front end of this shape. */
async function journey(page: Page, shape: Shape, { front, mailbox }: Scene): Promise<void> {
  const { life, refresh, held, tellsServer } = SHAPES[shape];
  const answers: string[] = [];
  page.on("response", (answer) => {
    const { origin, pathname } = new URL(answer.url());
    if (origin === SERVER && answer.request().method() !== "OPTIONS") answers.push(`${pathname} ${answer.status()}`);
  });
  const anybody = somebody();
  // A name with a dot could be taken for an address: mails do not repeat it.
  const person = { ...anybody, username: anybody.username.replace(".", "-") };

  await test.step("register and sign in with the e-mail address", async () => {
    await registers(page, front, person);
    await submit(page, { email: person.email, password: goodPassword() });
    await expect(page.getByRole("alert")).toHaveText(/^4\d\d: ./);
    await signsIn(page, person);
  });

  await test.step("the access token runs out; a reload finds the person signed in", async () => {
    await page.goto("about:blank");
    await pause((life + 1) * 1000);
    answers.length = 0;
    await page.goto(`${front.origin()}/dashboard`);
    await isGreeted(page, person);
    expect(answers).toContain(`${refresh} 200`);
    await page.reload();
    await isGreeted(page, person);
  });

  await test.step("it runs out on the open page, too", async () => {
    await pause((life + 1) * 1000);
    answers.length = 0;
    await page.getByRole("button", { name: "Look again" }).click();
    await expect.poll(() => answers.some((answer) => /\/(users\/me|me|user\/|profile) 200$/.test(answer))).toBe(true);
    await isGreeted(page, person);
  });

  const left = await test.step("sign out", async () => {
    const token = (await held(page)) ?? "";
    expect(token).not.toBe("");
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page).toHaveURL(/\/auth\/login$/);
    expect(await held(page)).toBeUndefined();
    if (tellsServer) expect(await refreshed(shape, token), "the token is dead on the server").toBe(401);
    await page.goto(`${front.origin()}/dashboard`);
    await expect(page).toHaveURL(/\/auth\/login$/);
    return token;
  });

  await test.step("a new password by mail", async () => {
    await page.goto(`${front.origin()}/auth/password/reset-password`);
    await submit(page, { email: person.email });
    await expect(page.getByRole("heading")).toHaveText("Look into your mail");
    const { link, text, code } = await mailbox.newest(person.email, "Choose a new password");
    expect(link).toContain(`${front.origin()}/auth/password/reset-password-confirmation/?uid=`);
    expect(text).toContain(`Your user name, in case you have forgotten it: ${person.username}`);
    expect(code, "this browser could not use one").toBeUndefined();
    await page.goto(link);
    const changed = { ...person, password: goodPassword() };
    await submit(page, { password: "12345678" });
    await expect(page.getByRole("alert")).toHaveText(/^4\d\d: ./);
    await submit(page, { password: changed.password });
    await expect(page).toHaveURL(/\/auth\/login$/);
    expect(await refreshed(shape, left), "no session outlives a reset").toBe(401);
    await submit(page, { email: person.email, password: person.password });
    await expect(page.getByRole("alert")).toHaveText(/^4\d\d: ./);
    await signsIn(page, changed);
    await page.goto(link);
    await submit(page, { password: goodPassword() });
    await expect(page.getByRole("alert"), "the link works once").toHaveText(/^4\d\d: ./);
  });
}

test("S1: tokens in cookies that scripts read, the first refresh token for ever", async ({ page, stage }) => {
  await journey(page, "s1", await stage("s1"));
});

test("S2: the refresh token in a cookie that no script reads, the access token in a variable", async ({ page, stage }) => {
  await journey(page, "s2", await stage("s2"));
  const seen = await page.evaluate(() => JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]));
  expect(seen).toBe(JSON.stringify(["", {}, {}]));
});

test("S3: an interceptor that answers every 401 with a refresh", async ({ page, stage }) => {
  await journey(page, "s3", await stage("s3"));
});

for (const rotate of ["false", "true"]) {
  test(`S4: a timer in each tab; two tabs do not sign each other out (rotate = ${rotate})`, async ({ page, stage }) => {
    const scene = await stage("s4", { DOORWARD__COMPAT__ROTATE: rotate });
    await journey(page, "s4", scene);

    const person = somebody();
    await registers(page, scene.front, person);
    await signsIn(page, person);
    const first = await SHAPES.s4.held(page);
    const other = await page.context().newPage();
    const statuses: number[] = [];
    for (const tab of [page, other]) {
      tab.on("response", (answer) => {
        const isRefresh = answer.url().endsWith(SHAPES.s4.refresh) && answer.request().method() === "POST";
        if (isRefresh) statuses.push(answer.status());
      });
    }
    await other.goto(`${scene.front.origin()}/dashboard`);
    await expect.poll(() => statuses.length, { timeout: 60_000 }).toBeGreaterThan(8);
    expect(new Set(statuses)).toEqual(new Set([200]));
    for (const tab of [page, other]) {
      await tab.bringToFront();
      await tab.getByRole("button", { name: "Look again" }).click();
      await isGreeted(tab, person);
    }
    expect((await SHAPES.s4.held(page)) === first, "the token is the first one").toBe(rotate === "false");
  });
}

test("a page of an origin that is not listed gets nothing", async ({ page, stage }) => {
  const { front } = await stage("s2");
  const person = somebody();
  await registers(page, front, person);
  await signsIn(page, person);
  const stranger = await FrontEnd.launch("s1", 0);
  const victim = somebody();
  // The first is another site; the second is the same site, whose requests carry the cookie.
  for (const host of ["127.0.0.1", "localhost"] as const) {
    const evil = await page.context().newPage();
    await evil.goto(`${stranger.origin(host)}/auth/login`);
    const got = await evil.evaluate(
      async ({ server, person, victim }) => {
        const form = (fields: Record<string, string>) => new URLSearchParams(fields);
        const json = { "Content-Type": "application/json" };
        const asked: [string, RequestInit][] = [
          ["/auth/jwt/create", { method: "POST", headers: json, body: JSON.stringify(person) }],
          ["/auth/jwt/create", { method: "POST", body: form({ username: person.email, password: person.password }) }],
          ["/auth/users/", { method: "POST", body: form(victim) }],
          ["/api/v1/sessions/refresh", { method: "POST", credentials: "include" }],
          ["/api/v1/sessions/log-out", { method: "POST", credentials: "include" }],
          ["/api/v1/me", { credentials: "include" }],
          ["/auth/users/me", {}],
        ];
        const read: string[] = [];
        for (const [path, more] of asked) {
          await fetch(server + path, more).then((answer) => read.push(`${path} ${answer.status}`), () => undefined);
          // Sent without asking first, and whatever came of it unseen.
          await fetch(server + path, { ...more, headers: {}, mode: "no-cors" }).catch(() => undefined);
        }
        return read;
      },
      {
        server: SERVER,
        person: { email: person.email, password: person.password },
        victim: { email: victim.email, username: victim.username, password: victim.password },
      },
    );
    expect(got, `read from ${stranger.origin(host)}`).toEqual([]);
    await evil.close();
  }
  await stranger.close();
  await page.reload();
  await isGreeted(page, person);
  const made = await fetch(`${SERVER}/auth/jwt/create`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username: victim.email, password: victim.password }),
  });
  expect(made.status, "no account was made").toBe(401);
});
