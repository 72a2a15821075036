// Passkeys need scripts: where there are none, the page says so and shows nothing that would not work.

import { expect, test } from "../support/fixtures.ts";

test("the way in by passkey shows where it works", async ({ visitor }) => {
  await visitor.open("/login");
  const button = visitor.button("Sign in with a passkey");
  if (visitor.scripts) {
    await expect(button).toBeVisible();
  } else {
    await expect(button).toBeHidden();
    // What is in `noscript` is not shown where Playwright turns scripts off, so only that it is there can be told.
    expect(await visitor.page.content()).toMatch(/<noscript>.*To use a passkey, allow scripts.*<\/noscript>/s);
  }
});

test("passkeys are not offered at an IP address", async ({ launch, elsewhere }) => {
  const server = await launch({});
  const byAddress = server.baseURL.replace("localhost", "127.0.0.1");
  await server.restart({ DOORWARD__SERVER__PUBLIC_URL: byAddress });
  const visitor = await elsewhere(byAddress);
  await visitor.open("/login");
  await expect(visitor.page.locator("[data-passkey]")).toHaveCount(0);
  await expect(visitor.field("identifier")).toHaveAttribute("autocomplete", "username");
});
