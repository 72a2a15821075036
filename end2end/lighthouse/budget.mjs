// The lines `lighthouse-…` of `xtask/budget.txt`: scores must reach theirs, all other figures may not pass theirs.

import { readFile } from "node:fs/promises";
import path from "node:path";

/** @typedef {import("./measure.mjs").Figures} Figures */
/** @typedef {{ exceeded: (figures: Figures) => string[] }} Budget */

const FILE = path.resolve(import.meta.dirname, "../../xtask/budget.txt");

/** Scores, of which more is better. */
const SCORES = /** @type {const} */ (["performance", "accessibility", "best-practices"]);
/** Of these less is better. Blocking is judged by its part in the score, bytes and requests by `cargo xtask weigh`. */
const COSTS = /** @type {const} */ (["lcp-ms", "cls"]);

/** @returns {Promise<Budget>} */
export async function readBudget() {
  const text = await readFile(FILE, "utf8");
  const limits = new Map([...SCORES, ...COSTS].map((name) => [name, limit(text, `lighthouse-${name}`)]));
  return {
    exceeded: (figures) =>
      [...limits].flatMap(([name, limit]) => {
        const value = figures[name];
        const isScore = SCORES.some((score) => score === name);
        if (isScore ? value >= limit : value <= limit) return [];
        const shown = Number(value.toFixed(name === "cls" ? 4 : 0));
        return [`${name} is ${shown}, and xtask/budget.txt ${isScore ? "asks for" : "allows"} ${limit}`];
      }),
  };
}

/**
 * @param {string} budget
 * @param {string} name
 */
function limit(budget, name) {
  const words = budget.split("\n").map((line) => line.split(" "));
  const value = Number(words.find(([first]) => first === name)?.[1] ?? Number.NaN);
  if (Number.isNaN(value)) throw new Error(`xtask/budget.txt has no line \`${name} NUMBER\``);
  return value;
}
