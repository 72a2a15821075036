// Every spec runs twice, with scripts on and off: each form must work both ways. What only scripts can do is told in
// `*.scripts.spec.ts` and runs once.

import { defineConfig } from "@playwright/test";
import type { ServerOptions } from "./support/fixtures.ts";

/** `SCREENSHOTS=1` takes the pictures of the documentation anew; they are no test. */
const pictures = process.env.SCREENSHOTS === "1" ? [] : ["**/screenshots.spec.ts"];

export default defineConfig<object, ServerOptions>({
  testDir: "tests",
  outputDir: "test-results/artefacts",
  // Tests share nothing but their worker's server, so they may run in any order.
  fullyParallel: true,
  forbidOnly: Boolean(process.env.CI),
  // A test that passes only at the second try hides a fault.
  retries: 0,
  workers: 2,
  // Twice what the slowest needs on a machine that is busy with something else: whoever fails, fails for a reason.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  // `cargo xtask test` reads the counts from the report.
  reporter: [["list"], ["json", { outputFile: "test-results/report.json" }]],
  use: {
    browserName: "chromium",
    locale: "en-GB",
    screenshot: "only-on-failure",
    // A fifth of the time; `--trace retain-on-failure` on the command line has them.
    trace: "off",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium-headless-shell",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  projects: [
    { name: "scripts-on", testIgnore: pictures },
    { name: "scripts-off", testIgnore: ["**/*.scripts.spec.ts", "**/screenshots.spec.ts"], use: { javaScriptEnabled: false } },
  ],
});
