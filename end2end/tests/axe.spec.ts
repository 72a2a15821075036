// Every page in every state, looked at by axe, in both colour schemes, on a telephone and on a desk.

import { AxeBuilder } from "@axe-core/playwright";
import { expect, goodPassword, type Page, somebody, test, type Visitor } from "../support/fixtures.ts";

const NARROW = 320;
const WIDE = 1280;
const SCHEMES = ["light", "dark"] as const;

type Inspect = (visitor: Visitor, state: string) => Promise<void>;

const it = test.extend<{ inspect: Inspect }>({
  inspect: async ({ browser }, use) => {
    // axe is a script, and without scripts it does not run: then it looks at a copy of what is seen.
    const looker = await (await browser.newContext({ javaScriptEnabled: true })).newPage();
    await use(async (visitor, state) => {
      const page = visitor.scripts ? visitor.page : await copied(visitor.page, looker);
      // The styles are the same without scripts: there one width is enough.
      const widths = visitor.scripts ? [NARROW, WIDE] : [NARROW];
      for (const colorScheme of SCHEMES) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        for (const width of widths) await look(page, width, `${state}, ${colorScheme}, ${width} px`);
      }
    });
    await looker.context().close();
  },
});

async function look(page: Page, width: number, state: string): Promise<void> {
  await page.setViewportSize({ width, height: 800 });
  const hidden = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect.soft(hidden, `${state}: pixels that are reached by scrolling sideways`).toBe(0);
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join("; ")}`);
  expect.soft(told, state).toEqual([]);
}

async function copied(page: Page, looker: Page): Promise<Page> {
  const url = page.url();
  const body = (await page.content()).replace(/<script\b[\s\S]*?<\/script>/g, "");
  await looker.route(url, (route) => route.fulfill({ body, contentType: "text/html; charset=utf-8" }));
  await looker.goto(url);
  await looker.unroute(url);
  return looker;
}

it("pages that nobody has touched yet", async ({ visitor, inspect }) => {
  for (const path of ["/", "/login", "/register", "/reset-password", "/reset-confirmation", "/nothing-here"]) {
    await visitor.open(path);
    await inspect(visitor, path);
  }
});

it("pages with a notice", async ({ visitor, inspect }) => {
  for (const notice of ["signed-out", "registered", "password-reset"]) {
    await visitor.open(`/login?notice=${notice}`);
    await expect(visitor.page.getByRole("status")).toBeVisible();
    await inspect(visitor, notice);
  }
});

it("forms that were refused", async ({ visitor, inspect }) => {
  for (const path of ["/login", "/register", "/reset-password", "/reset-confirmation"]) {
    await visitor.open(path);
    await visitor.send();
    await expect(visitor.alert).toBeVisible();
    await inspect(visitor, `${path}, empty`);
  }
  await visitor.open("/login");
  await visitor.signIn("mona", "wrong");
  await expect(visitor.alert).toContainText("do not match");
  await inspect(visitor, "/login, refused");
});

it("pages of who is signed in, with names as long as they may be", async ({ visitor, server, inspect }) => {
  const long = somebody({ firstName: "M".repeat(100), lastName: "L".repeat(100) });
  const username = `${long.username}${"u".repeat(32)}`.slice(0, 32);
  await visitor.entersAs({ ...long, username, email: `${"e".repeat(30)}${long.email}` }, server.baseURL);
  for (const path of ["/", "/dashboard", "/nothing-here"]) {
    await visitor.open(path);
    await inspect(visitor, `${path}, signed in`);
  }
});

it("the mailbox, its mails, and the form that a mailed link leads to", async ({ visitor, mailbox, server, inspect }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  await visitor.page.context().clearCookies();
  await visitor.open("/reset-password");
  await visitor.fill({ email: person.email });
  await visitor.send();
  const mail = await mailbox.newest(person.email);
  for (const path of ["/dev/mailbox", mail.path, "/dev/mailbox/none"]) {
    await visitor.open(path);
    await inspect(visitor, path);
  }
  await visitor.open(mail.links.find((url) => url.includes("token=")) ?? "");
  await inspect(visitor, "the form of a mailed link");
  await visitor.fill({ password: goodPassword(), password_again: goodPassword() });
  await visitor.send();
  await expect(visitor.errorOf("password_again")).toBeVisible();
  await inspect(visitor, "the form of a mailed link, refused");
});

it("the page in place of one that failed", async ({ launch, elsewhere, inspect }) => {
  const server = await launch({});
  const visitor = await elsewhere(server.baseURL);
  await visitor.entersAs(somebody(), server.baseURL);
  await server.spoilDatabase();
  const answer = await visitor.open("/dashboard");
  expect(answer?.status()).toBeGreaterThanOrEqual(500);
  await expect(visitor.page.getByRole("link", { name: "Try again" })).toBeVisible();
  await inspect(visitor, "an error");
});
