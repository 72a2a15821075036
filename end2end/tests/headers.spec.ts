// What leaves the browser and what stays in it: secrets, cookies, policies.

import { createHash } from "node:crypto";
import { expect, type Page, somebody, test } from "../support/fixtures.ts";

const NOWHERE = "/nothing-here";
const ACCOUNT = ["", "/security", "/sessions", "/history", "/privacy", "/not-me"].map((page) => `/account${page}`);
/** What the mail with a link to a new password says. */
const RESET = "Choose a new password";
const FORMS = ["/login", "/register", "/reset-password", "/reset-confirmation", "/confirm-email", "/undo-email-change"];
const PAGES = ["/", ...FORMS, NOWHERE, "/dev/mailbox"];

/** Collects what a browser complains about while the page is used. */
function complaints(page: Page): string[] {
  const found: string[] = [];
  page.on("console", (message) => {
    // An address that is none says so by its status, which the browser notes.
    const expected = message.location().url.endsWith(NOWHERE) && message.text().includes("404 (Not Found)");
    if (["error", "warning"].includes(message.type()) && !expected) {
      found.push(`${message.type()}: ${message.text()} (${message.location().url})`);
    }
  });
  page.on("pageerror", (error) => found.push(`error: ${error.message}`));
  page.on("requestfailed", (request) => found.push(`failed: ${request.url()}`));
  page.on("request", (request) => {
    if (request.url().endsWith("/csp-reports")) found.push(`report: ${request.postData()}`);
  });
  return found;
}

test("no page makes the browser complain, and the policy stops nothing", async ({ visitor, page, server }) => {
  const found = complaints(page);
  const visit = async (path: string) => {
    await visitor.open(path);
    if (!path.startsWith("/dev")) await visitor.hydrated();
    await page.waitForLoadState("networkidle");
    expect(found, path).toEqual([]);
  };
  for (const path of PAGES) await visit(path);
  await visitor.entersAs(somebody(), server.baseURL);
  for (const path of ["/", "/dashboard", ...ACCOUNT, NOWHERE]) await visit(path);
});

test("every page carries the policies, and no script but files of ours and the line that fetches them", async ({ page }) => {
  for (const path of PAGES.filter((path) => !path.startsWith("/dev"))) {
    const answer = await page.goto(path);
    const headers = answer?.headers() ?? {};
    const csp = headers["content-security-policy"] ?? "";
    expect(csp, path).toContain("default-src 'none'");
    expect(csp, path).toMatch(/script-src 'self' 'sha256-[\w+/=]{44}' 'wasm-unsafe-eval';/);
    expect(csp, path).not.toContain("unsafe-inline");
    expect(headers["cache-control"], path).toBe("no-store");
    expect(headers["x-content-type-options"], path).toBe("nosniff");
    expect(headers["referrer-policy"], path).toBe("same-origin");
    const inline = await page.locator("script:not([src])").allTextContents();
    expect(inline.length, path).toBe(1);
    const hash = createHash("sha256").update(inline.join()).digest("base64");
    expect(csp, path).toContain(`'sha256-${hash}'`);
  }
});

test("a mailed link's secret leaves the address bar and is in no Referer, page or history", async ({
  visitor,
  page,
  mailbox,
  server,
  context,
}) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  await context.clearCookies();
  await visitor.open("/reset-password");
  await visitor.fill({ email: person.email });
  await visitor.send();
  const mail = await mailbox.newest(person.email, RESET);
  const token = new URL(mail.link).searchParams.get("token") ?? "";
  expect(token.length).toBeGreaterThan(20);

  const requests: { url: string; referer: string }[] = [];
  page.on("request", (request) => {
    requests.push({ url: request.url(), referer: request.headers()["referer"] ?? "" });
  });
  await page.goto(mail.path);
  await page.locator('a[href*="token="]').click();
  await expect(page).toHaveURL("/reset-confirmation");
  await visitor.awake();
  await page.getByRole("link", { name: "Ask for a new mail" }).click();
  await expect(page).toHaveURL("/reset-password");
  await page.goBack();
  await expect(page).toHaveURL("/reset-confirmation");
  await visitor.awake();
  await visitor.fill({ password: "short", password_again: "short" });
  await visitor.send();
  await expect(visitor.errorOf("password")).toBeVisible();

  const telling = requests.filter(({ url }) => url.includes(token));
  expect(telling.map(({ url }) => new URL(url).pathname)).toEqual(["/reset-confirmation"]);
  expect(requests.filter(({ referer }) => referer.includes(token))).toEqual([]);
  expect(requests.filter(({ referer }) => referer.includes("uid="))).toEqual([]);
});

test("what a page links to does not learn where a person came from", async ({ visitor, page, server }) => {
  await visitor.entersAs(somebody(), server.baseURL);
  await page.route("https://elsewhere.test/**", (route) =>
    route.fulfill({ body: route.request().headers()["referer"] ?? "none" }),
  );
  await visitor.open("/dashboard");
  await page.evaluate(() => {
    const link = document.createElement("a");
    link.href = "https://elsewhere.test/";
    link.textContent = "away";
    document.body.append(link);
  });
  await page.getByText("away").click();
  await expect(page.locator("body")).toHaveText("none");
});

test("every cookie is out of reach of scripts and of other hosts", async ({ visitor, mailbox, context }) => {
  const person = somebody();
  await visitor.register(person);
  await visitor.signOut();
  await visitor.open("/reset-password");
  await visitor.fill({ email: person.email });
  await visitor.send();
  const link = (await mailbox.newest(person.email, RESET)).link;
  await visitor.open(link);
  await visitor.open("/login");
  await visitor.signIn(person.email, person.password);
  await expect(visitor.page).toHaveURL("/dashboard");
  const cookies = await context.cookies();
  expect(cookies.map(({ name }) => name).sort()).toEqual([
    "__Host-doorward",
    "__Host-doorward-devices",
    "__Host-doorward-link",
    "__Host-doorward-request",
  ]);
  for (const cookie of cookies) {
    expect(cookie, cookie.name).toMatchObject({ httpOnly: true, secure: true, sameSite: "Lax", path: "/", domain: "localhost" });
  }
  expect(await visitor.page.evaluate(() => document.cookie)).toBe("");
});

test("no page holds a token, a cookie's value or a password", async ({ visitor, page, context }) => {
  const person = somebody();
  await visitor.register(person);
  const secrets = [person.password, ...(await context.cookies()).map(({ value }) => value)];
  for (const path of ["/", "/dashboard", ...ACCOUNT, NOWHERE]) {
    const answer = await visitor.open(path);
    const html = `${await answer?.text()}${await page.content()}`;
    for (const secret of secrets) expect(html.includes(secret), path).toBe(false);
    expect(html, path).not.toMatch(/eyJ[\w-]{10,}\./);
  }
});
