// The page that shows the API: it works by its own files alone, and lets a person sign in and try.

import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page, somebody, test } from "../support/fixtures.ts";

/** Faults of Swagger UI's own markup and colours, which are not ours to change. */
const NOT_OURS = [
  // Grey on grey in its tables and chips, and its buttons for methods.
  "color-contrast",
  // Its boxes for the body, and for which media type, example or schema is shown, have no labels.
  "label",
  "select-name",
  // Its summaries hold a button to copy the path inside what is itself a button.
  "nested-interactive",
];

interface Seen {
  complaints: string[];
  elsewhere: string[];
}

/** Opens the page and keeps what the browser complains about and whom it asks. */
async function opened(page: Page, baseURL: string): Promise<Seen> {
  const seen: Seen = { complaints: [], elsewhere: [] };
  page.on("console", (message) => {
    // An answer that refuses is noted by the browser; nothing else is expected here.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) seen.complaints.push(message.text());
  });
  page.on("pageerror", (error) => seen.complaints.push(error.message));
  page.on("request", (request) => {
    if (request.url().endsWith("/csp-reports")) seen.complaints.push(`policy: ${request.postData()}`);
    if (!request.url().startsWith(baseURL) && !request.url().startsWith("data:")) seen.elsewhere.push(request.url());
  });
  await page.goto("/api/docs");
  await expect(page.locator(".opblock").first()).toBeVisible();
  return seen;
}

/** Sends an operation from the page, with this body if it takes one; gives the status. */
async function tried(page: Page, operation: string, body?: object): Promise<number> {
  const block = page.locator(`[id="operations-${operation}"]`);
  if (!(await block.getByRole("button", { name: "Execute" }).isVisible())) {
    const open = block.locator(".opblock-summary-control");
    if ((await open.getAttribute("aria-expanded")) !== "true") await open.click();
    await block.getByRole("button", { name: "Try it out" }).click();
  }
  if (body) await block.locator("textarea.body-param__text").fill(JSON.stringify(body));
  const answered = page.waitForResponse((answer) => answer.url().includes("/api/v1/") && answer.request().method() !== "OPTIONS");
  await block.getByRole("button", { name: "Execute" }).click();
  return (await answered).status();
}

const said = (page: Page) => page.locator("#token");

test("a person makes an account on the page, and from then on the token is filled in", async ({ page, server }) => {
  // Nine requests by hand, each with a page of two thousand elements that is drawn anew.
  test.slow();
  const seen = await opened(page, server.baseURL);
  await expect(page).toHaveTitle(/^API – /);
  await expect(page.getByRole("link", { name: /^Back to / })).toHaveAttribute("href", "/");
  expect(await tried(page, "Me-read_me")).toBe(401);
  const { username, email, password } = somebody();
  expect(await tried(page, "Accounts-register", { username, email, password })).toBe(201);
  await expect(said(page)).toContainText("You are signed in");
  expect(await tried(page, "Me-read_me")).toBe(200);
  await expect(page.locator('[id="operations-Me-read_me"] .live-responses-table')).toContainText(email);
  expect(await tried(page, "Sessions-log_out")).toBe(204);
  await expect(said(page)).not.toContainText("You are signed in");
  expect(await tried(page, "Me-read_me")).toBe(401);
  expect(await tried(page, "Sessions-refresh"), "the session of the cookie has ended").toBe(401);
  expect(await tried(page, "Sessions-log_in", { identifier: username, password })).toBe(200);
  await expect(said(page)).toContainText("You are signed in");
  expect(await tried(page, "Me-read_me")).toBe(200);
  expect(seen).toEqual({ complaints: [], elsewhere: [] });
});

test("the page keeps the token in memory only", async ({ page, server }) => {
  await opened(page, server.baseURL);
  const { username, email, password } = somebody();
  expect(await tried(page, "Accounts-register", { username, email, password })).toBe(201);
  await expect(said(page)).toContainText("You are signed in");
  expect(await page.evaluate(() => [JSON.stringify(localStorage), JSON.stringify(sessionStorage)])).toEqual(["{}", "{}"]);
  await page.reload();
  await expect(page.locator(".opblock").first()).toBeVisible();
  expect(await tried(page, "Me-read_me")).toBe(401);
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`the page fits a telephone and a desk, and axe finds nothing of ours, ${colorScheme}`, async ({ page, server }) => {
    await page.emulateMedia({ colorScheme });
    const seen = await opened(page, server.baseURL);
    await page.locator('[id="operations-Sessions-log_in"] .opblock-summary-control').click();
    await page.locator('[id="operations-Sessions-log_in"]').getByRole("button", { name: "Try it out" }).click();
    for (const width of [375, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      const hidden = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect.soft(hidden, `${width} px: pixels that are reached by scrolling sideways`).toBe(0);
      const all = await new AxeBuilder({ page }).setLegacyMode(true).disableRules(NOT_OURS).analyze();
      const ours = await new AxeBuilder({ page }).setLegacyMode(true).include(".door").analyze();
      const serious = all.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      const told = [...serious, ...ours.violations].map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join("; ")}`);
      expect.soft(told, `${width} px`).toEqual([]);
    }
    expect(seen.complaints).toEqual([]);
  });
}
