// Takes the pictures of the documentation anew: `SCREENSHOTS=1 npx playwright test screenshots`. No test.

import { expect, somebody, test, type Visitor } from "../support/fixtures.ts";
import { scanned } from "../support/totp.ts";

type Look = readonly [colorScheme: "light" | "dark", width: number];

const DESK: Look = ["light", 1280];
const TELEPHONE: Look = ["dark", 375];
const ALL: Look[] = [DESK, ["dark", 1280], ["light", 375], TELEPHONE];

/** Takes the open page in these schemes and widths. */
async function picture({ page }: Visitor, name: string, looks = ALL): Promise<void> {
  for (const [colorScheme, width] of looks) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.screenshot({ path: `screenshots/${name}-${colorScheme}-${width}.png`, animations: "disabled" });
  }
}

test("pictures of the pages", async ({ visitor, elsewhere, server, mailbox }) => {
  for (const name of ["login", "register"]) {
    await visitor.open(`/${name}`);
    await picture(visitor, name);
  }
  const person = somebody({ username: "mona.lindqvist", email: "mona@example.com", lastName: "Lindqvist" });
  await visitor.entersAs(person, server.baseURL);
  await visitor.open("/dashboard");
  await expect(visitor.heading).toHaveText("Hello, Mona");
  await picture(visitor, "dashboard");
  const other = await elsewhere();
  await other.open("/login");
  await other.signIn(person.email, "not the password");
  await other.comesBackAs(person, server.baseURL);
  for (const name of ["account", "security", "sessions", "history", "privacy", "confirm-email"]) {
    const path = name === "account" || name === "confirm-email" ? `/${name}` : `/account/${name}`;
    await visitor.open(path);
    await picture(visitor, name, [DESK, TELEPHONE]);
  }
  await visitor.confirmsBy((await mailbox.newest(person.email, "Confirm your e-mail")).link);
  await visitor.open("/account/factors");
  await visitor.send("/account/factors/app/start");
  const app = await scanned(visitor);
  await picture(visitor, "factors-app", [DESK, TELEPHONE]);
  await visitor.fill({ code: await app.code() });
  await visitor.send("/account/factors/app");
  await picture(visitor, "recovery-codes", [DESK, TELEPHONE]);
  await visitor.open("/account/factors");
  await picture(visitor, "factors", [DESK, TELEPHONE]);
  await visitor.page.context().clearCookies();
  await visitor.open("/login");
  await visitor.signIn(person.email, person.password);
  await expect(visitor.page).toHaveURL("/login/factor");
  await picture(visitor, "login-factor");
});
