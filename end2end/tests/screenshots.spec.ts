// Takes the pictures of the documentation anew: `SCREENSHOTS=1 npx playwright test screenshots`. No test.

import { expect, somebody, test, type Visitor } from "../support/fixtures.ts";

const VIEWPORTS = [
  { width: 1280, height: 800 },
  { width: 375, height: 800 },
];

/** Takes the open page in both schemes, on a desk and on a telephone. */
async function picture({ page }: Visitor, name: string): Promise<void> {
  for (const viewport of VIEWPORTS) {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.screenshot({ path: `screenshots/${name}-${colorScheme}-${viewport.width}.png`, animations: "disabled" });
    }
  }
}

test("pictures of the pages", async ({ visitor, server }) => {
  for (const name of ["login", "register"]) {
    await visitor.open(`/${name}`);
    await picture(visitor, name);
  }
  const person = somebody({ username: "mona.lindqvist", email: "mona@example.com", lastName: "Lindqvist" });
  await visitor.entersAs(person, server.baseURL);
  await visitor.open("/dashboard");
  await expect(visitor.heading).toHaveText("Hello, Mona");
  await picture(visitor, "dashboard");
});
