// Where the site demands a second factor, signing in leads through setting one up.

import { expect, somebody } from "../support/fixtures.ts";
import { test } from "../support/inspect.ts";
import { scanned } from "../support/totp.ts";

const ENROL = "/login/enrol";

test.use({ serverEnv: { DOORWARD__FACTORS__REQUIRED: "everyone" } });

test("who has no second factor sets one up, and is signed in", async ({ visitor, server, mailbox, inspect }) => {
  const { page } = visitor;
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  await visitor.open("/login?next=/account/history");
  await visitor.signIn(person.username, person.password);
  await expect(page).toHaveURL(ENROL);
  await expect(page.getByText("First confirm your e-mail address")).toBeVisible();
  await visitor.awake();
  await inspect(visitor, `${ENROL}, the address is not confirmed`);
  const { link } = await mailbox.newest(person.email, "onfirm");
  await visitor.open(link);
  // This is the browser that registered: the link is enough.
  await expect(page.locator("#password")).toHaveCount(0);
  await visitor.send("/confirm-email");
  await expect(page).toHaveURL(`${ENROL}?notice=email-confirmed`);
  await visitor.awake();
  await inspect(visitor, ENROL);
  await visitor.send("/login/enrol/app");
  await expect(page).toHaveURL(ENROL);
  await visitor.awake();
  const app = await scanned(visitor);
  await visitor.fill({ code: app.wrongCode() });
  await visitor.send(ENROL);
  await expect(visitor.errorOf("code")).toContainText("not right");
  await inspect(visitor, `${ENROL}, refused`);
  await visitor.fill({ code: await app.code() });
  await visitor.send(ENROL);
  await expect(visitor.heading).toHaveText("Recovery codes");
  await visitor.awake();
  await visitor.send("/account/factors/recovery-codes");
  await expect(page).toHaveURL("/account/history");
  await expect(visitor.heading).toHaveText("History");
});
