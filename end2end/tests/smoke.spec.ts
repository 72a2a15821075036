import { expect, test } from "../support/fixtures.ts";

test("the home page answers and has a heading", async ({ page }) => {
  const answer = await page.goto("/");
  expect(answer?.status()).toBe(200);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
});
