// Where the site demands a second factor, a passkey will do; scripts are on, as passkeys want it.

import { Authenticator } from "../support/authenticator.ts";
import { expect, somebody } from "../support/fixtures.ts";
import { test } from "../support/inspect.ts";

test.use({ serverEnv: { DOORWARD__FACTORS__REQUIRED: "everyone" } });

test("a passkey that is made on the way in signs in, and the next time alone", async ({ visitor, server, mailbox }) => {
  const { page } = visitor;
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  await Authenticator.for(page);
  await page.context().clearCookies();
  await visitor.open("/login?next=/account/history");
  await visitor.signIn(person.username, person.password);
  await expect(page).toHaveURL("/login/enrol");
  await visitor.open((await mailbox.newest(person.email, "Confirm your e-mail")).link);
  await page.locator("#password").fill(person.password);
  await visitor.send("/confirm-email");
  await expect(page).toHaveURL("/login/enrol?notice=email-confirmed");
  await visitor.awake();
  await visitor.button("Use a passkey instead").click();
  await expect(visitor.heading).toHaveText("Recovery codes");
  await visitor.awake();
  await visitor.send("/account/factors/recovery-codes");
  await expect(page).toHaveURL("/account/history");
  await page.context().clearCookies();
  // The authenticator chooses at once what a person would choose in the field.
  await page.goto("/login");
  await expect(page).toHaveURL("/dashboard");
});
