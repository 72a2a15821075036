// One visit to one page with Lighthouse, in a browser that nobody has used before.

import { randomBytes } from "node:crypto";
import { chromium } from "@playwright/test";
import { launch } from "chrome-launcher";
import lighthouse, { desktopConfig } from "lighthouse";

/** @typedef {{ path: string; signedIn?: boolean }} PageToVisit */
/** @typedef {"mobile" | "desktop"} Form */
/** @typedef {"performance" | "accessibility" | "best-practices"} Category */

/**
 * What is measured: the scores in percent, and beside them what explains them.
 *
 * @typedef {Record<Category | "lcp-ms" | "cls" | "tbt-ms" | "bytes" | "requests", number>} Figures
 */

/** @typedef {{ id: string; title: string; display: string; score: number | null; details: unknown }} Finding */
/** @typedef {{ figures?: Figures; findings: Finding[]; problem?: string }} Visit */

/** @type {readonly PageToVisit[]} */
export const PAGES = [{ path: "/login" }, { path: "/register" }, { path: "/dashboard", signedIn: true }];

/** @type {readonly Form[]} */
export const FORMS = ["mobile", "desktop"];

/** @type {Category[]} */
const CATEGORIES = ["performance", "accessibility", "best-practices"];

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium-headless-shell";
/** Those of `playwright.config.ts` that chrome-launcher does not set by itself. */
const FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic"];

/**
 * @param {string} base
 * @param {PageToVisit} page
 * @param {Form} form
 * @returns {Promise<Visit>}
 */
export async function measure(base, page, form) {
  const browser = await launch({ chromePath: CHROMIUM, chromeFlags: FLAGS, logLevel: "silent" });
  try {
    if (page.signedIn) await signUp(browser.port, base);
    const url = new URL(page.path, base).href;
    // Without a configuration it looks as a telephone of the middle class does, over a slow line.
    const config = form === "desktop" ? desktopConfig : undefined;
    const flags = /** @type {const} */ ({ port: browser.port, logLevel: "silent", output: "json" });
    const lhr = (await lighthouse(url, { ...flags, onlyCategories: CATEGORIES }, config))?.lhr;
    if (!lhr) throw new Error("Lighthouse gave no result");
    if (lhr.runtimeError) throw new Error(`Lighthouse could not measure: ${lhr.runtimeError.message}`);
    // A page for those who are signed in sends everybody else to another one, which would be measured instead.
    if (lhr.finalDisplayedUrl !== url) throw new Error(`the page led on to ${lhr.finalDisplayedUrl}`);
    return { figures: figures(lhr), findings: findings(lhr) };
  } finally {
    browser.kill();
  }
}

/**
 * Makes an account. The cookie that comes with it is the browser's own, not a header laid over each request: its value
 * changes whenever the page renews its token.
 *
 * @param {number} port where the browser is steered
 * @param {string} base
 */
async function signUp(port, base) {
  const mark = randomBytes(5).toString("hex");
  const data = {
    email: `mona.${mark}@example.test`,
    username: `mona.${mark}`,
    password: `kettle violin orbit ${mark}`,
    transport: "cookie",
  };
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
  const context = browser.contexts()[0];
  const answer = await context?.request.post(new URL("/api/v1/accounts", base).href, { data, headers: { Origin: base } });
  if (!answer?.ok()) throw new Error(`an account was refused: ${answer?.status()} ${await answer?.text()}`);
  // It only lets go of it: Lighthouse goes on with the same browser.
  await browser.close();
}

/**
 * @param {import("lighthouse").Result} lhr
 * @returns {Figures}
 */
function figures(lhr) {
  /** @param {Category} category */
  const score = (category) => Math.round((lhr.categories[category]?.score ?? 0) * 100);
  /** @param {string} audit */
  const value = (audit) => {
    const number = lhr.audits[audit]?.numericValue;
    if (number === undefined) throw new Error(`Lighthouse did not measure ${audit}`);
    return number;
  };
  const details = lhr.audits["network-requests"]?.details;
  const requests = details?.type === "table" ? details.items : [];
  return {
    performance: score("performance"),
    accessibility: score("accessibility"),
    "best-practices": score("best-practices"),
    "lcp-ms": value("largest-contentful-paint"),
    cls: value("cumulative-layout-shift"),
    "tbt-ms": value("total-blocking-time"),
    bytes: requests.reduce((sum, { transferSize }) => sum + Number(transferSize ?? 0), 0),
    requests: requests.length,
  };
}

/**
 * Whatever could be better, also where it takes nothing off a score.
 *
 * @param {import("lighthouse").Result} lhr
 * @returns {Finding[]}
 */
function findings(lhr) {
  const audits = Object.values(lhr.audits).filter(({ score, scoreDisplayMode }) => {
    return scoreDisplayMode === "error" || (score !== null && score < 1 && scoreDisplayMode !== "manual");
  });
  return audits.map(({ id, title, displayValue, explanation, errorMessage, score, details }) => {
    const display = [displayValue, explanation, errorMessage].filter(Boolean).join(" ");
    return { id, title, display, score, details };
  });
}
