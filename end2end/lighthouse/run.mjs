// Looks at pages with Lighthouse, on a telephone and on a desk, and holds them to `xtask/budget.txt`:
//
//     CHROMIUM=/usr/bin/chromium-headless-shell node lighthouse/run.mjs http://localhost:3000
//
// `cargo xtask lighthouse` starts a server of its own for that. JavaScript, because Node 20 runs nothing else by itself.

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { readBudget } from "./budget.mjs";
import { FORMS, measure, PAGES } from "./measure.mjs";

/** @typedef {import("./measure.mjs").Visit} Visit */
/** @typedef {Visit & { failures: string[]; tries?: number }} Tried */

const REPORT = path.resolve(import.meta.dirname, "../test-results/lighthouse.json");

/** Noise of a busy machine is gone at one of these tries; a page that has become worse is worse at each. */
const TRIES = 3;

/** As the table shows them. */
const COLUMNS = /** @type {const} */ ([
  "performance",
  "accessibility",
  "best-practices",
  "lcp-ms",
  "cls",
  "tbt-ms",
  "bytes",
  "requests",
]);

const base = process.argv[2];
if (!base) {
  console.error("error: say where the server is: node lighthouse/run.mjs http://localhost:3000");
  process.exit(2);
}
process.exitCode = (await run(base)) ? 0 : 1;

/** @param {string} base */
async function run(base) {
  const budget = await readBudget();
  const visits = [];
  console.log(line(["page", "form", "perf", "a11y", "best", "LCP ms", "CLS", "TBT ms", "bytes", "requests", "tries"]));
  for (const page of PAGES) {
    for (const form of FORMS) {
      const visit = await best(budget, `${page.path}, ${form}`, () => measure(base, page, form));
      visits.push({ page: page.path, form, ...visit });
      console.log(line([page.path, form, ...cells(visit), visit.tries ?? 0]));
    }
  }
  await mkdir(path.dirname(REPORT), { recursive: true });
  await writeFile(REPORT, `${JSON.stringify(visits, null, 2)}\n`);
  for (const { page, form, failures, findings } of visits.filter(({ failures }) => failures.length > 0)) {
    for (const failure of failures) console.error(`error: ${page}, ${form}: ${failure}`);
    for (const { id, title, display } of findings) console.error(`    ${id}: ${title} ${display}`.trimEnd());
  }
  return visits.every(({ failures }) => failures.length === 0);
}

/**
 * The first try that is within the budget, or the one that comes nearest to it.
 *
 * @param {import("./budget.mjs").Budget} budget
 * @param {string} name
 * @param {() => Promise<Visit>} attempt
 * @returns {Promise<Tried>}
 */
async function best(budget, name, attempt) {
  /** @type {Tried[]} */
  const tried = [];
  for (let tries = 1; tries <= TRIES; tries++) {
    const visit = await attempt().catch(failed);
    const failures = visit.figures ? budget.exceeded(visit.figures) : [visit.problem ?? "there are no figures"];
    tried.push({ ...visit, failures });
    if (failures.length === 0) break;
    console.log(`    ${name}, try ${tries}: ${failures.join("; ")}`);
  }
  const [nearest] = tried.sort((one, other) => farness(one) - farness(other));
  if (!nearest) throw new Error("nothing was tried");
  return { ...nearest, tries: tried.length };
}

/**
 * How far a try is from the budget: by the lines that it breaks, and among equals by the time until the page is seen.
 *
 * @param {Tried} tried
 */
function farness({ figures, failures }) {
  return figures ? failures.length * 1e6 + figures["lcp-ms"] : Number.POSITIVE_INFINITY;
}

/**
 * A browser that did not start or a page that did not come counts as a try.
 *
 * @param {unknown} error
 * @returns {Visit}
 */
function failed(error) {
  const [problem] = (error instanceof Error ? error.message : String(error)).split("\n");
  return { problem, findings: [] };
}

/** @param {Visit} visit */
function cells({ figures }) {
  if (!figures) return Array.from({ length: 8 }, () => "-");
  return COLUMNS.map((name) => Number(figures[name].toFixed(name === "cls" ? 4 : 0)));
}

/** @param {(string | number)[]} cells */
function line(cells) {
  const [page = "", ...rest] = cells.map(String);
  return `    ${page.padEnd(12)}${rest.map((cell) => cell.padStart(9)).join("")}`;
}
