// Looks at a page with axe, in both colour schemes, on a telephone and on a desk.

import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page, test as base, type Visitor } from "./fixtures.ts";

const NARROW = 320;
const WIDE = 1280;
const SCHEMES = ["light", "dark"] as const;

export type Inspect = (visitor: Visitor, state: string) => Promise<void>;

export const test = base.extend<{ inspect: Inspect }>({
  inspect: async ({ browser }, use) => {
    // axe is a script, and without scripts it does not run: then it looks at a copy of what is seen.
    const looker = await (await browser.newContext({ javaScriptEnabled: true })).newPage();
    await use(async (visitor, state) => {
      const page = visitor.scripts ? visitor.page : await copied(visitor.page, looker);
      // The styles are the same without scripts: there one look is enough.
      const [schemes, widths] = visitor.scripts ? [SCHEMES, [NARROW, WIDE]] : [SCHEMES.slice(0, 1), [NARROW]];
      for (const colorScheme of schemes) {
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
