// Every page in every state, looked at by axe, in both colour schemes, on a telephone and on a desk.

import { expect, goodPassword, somebody } from "../support/fixtures.ts";
import { test as it } from "../support/inspect.ts";

const ACCOUNT = ["", "/security", "/sessions", "/history", "/privacy", "/not-me"].map((page) => `/account${page}`);

it("pages that nobody has touched yet", async ({ visitor, inspect }) => {
  const mailed = ["/reset-confirmation", "/confirm-email", "/undo-email-change"];
  for (const path of ["/", "/login", "/register", "/reset-password", ...mailed, "/nothing-here"]) {
    await visitor.open(path);
    await inspect(visitor, path);
  }
});

it("pages with a notice", async ({ visitor, inspect }) => {
  for (const notice of ["signed-out", "registered", "password-reset"]) {
    await visitor.open(`/login?notice=${notice}`);
    await expect(visitor.page.getByRole("status")).toBeVisible();
    await inspect(visitor, notice);
  }
});

it("forms that were refused", async ({ visitor, inspect }) => {
  for (const path of ["/login", "/register", "/reset-password", "/reset-confirmation"]) {
    await visitor.open(path);
    await visitor.send();
    await expect(visitor.alert).toBeVisible();
    await inspect(visitor, `${path}, empty`);
  }
  await visitor.open("/login");
  await visitor.signIn("mona", "wrong");
  await expect(visitor.alert).toContainText("do not match");
  await inspect(visitor, "/login, refused");
});

it("pages of who is signed in, with names as long as they may be", async ({ visitor, server, inspect }) => {
  // So many pages, each in several looks, take more than half of the time that tests have when the machine is busy.
  it.slow();
  const long = somebody({ firstName: "M".repeat(100), lastName: "L".repeat(100) });
  const username = `${long.username}${"u".repeat(32)}`.slice(0, 32);
  await visitor.entersAs({ ...long, username, email: `${"e".repeat(30)}${long.email}` }, server.baseURL);
  for (const path of ["/", "/dashboard", "/nothing-here", ...ACCOUNT, "/confirm-email", "/confirm-email-change"]) {
    await visitor.open(path);
    await inspect(visitor, `${path}, signed in`);
  }
  await visitor.open("/account?notice=profile-saved");
  await expect(visitor.notice).toBeVisible();
  await inspect(visitor, "/account, with a notice");
});

it("forms of an account that were refused", async ({ visitor, server, inspect }) => {
  await visitor.entersAs(somebody(), server.baseURL);
  for (const [path, action, field] of [
    ["/account", "/account/profile", "first_name"],
    ["/account", "/account/username", "username"],
    ["/account/security", "/account/security/password", "current_password"],
    ["/account/security", "/account/security/email", "email"],
    ["/confirm-email", "/confirm-email", "code"],
    ["/confirm-email-change", "/confirm-email-change", "code"],
  ] as const) {
    await visitor.open(path);
    await visitor.fill({ [field]: field === "first_name" ? "x".repeat(101) : "" });
    await visitor.send(action);
    await expect(visitor.errorOf(field)).toBeVisible();
    await inspect(visitor, `${action}, refused`);
  }
});

it("a list of two sessions, and the history of a name that was tried", async ({ visitor, elsewhere, server, inspect }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  const other = await elsewhere();
  await other.comesBackAs(person, server.baseURL);
  await other.open("/login");
  for (const path of ["/account/sessions", "/account/history"]) {
    await visitor.open(path);
    await expect(visitor.page.locator("main .rows > li").nth(1)).toBeVisible();
    await inspect(visitor, `${path}, with more than one line`);
  }
});

it("the pages that mails about an address lead to", async ({ visitor, mailbox, elsewhere, server, inspect }) => {
  const person = somebody();
  const next = somebody().email;
  await visitor.entersAs(person, server.baseURL);
  const { link } = await mailbox.newest(person.email, "Confirm your e-mail address");
  await visitor.open(link);
  await inspect(visitor, "/confirm-email, with a link");
  const other = await elsewhere();
  await other.open(link);
  await inspect(other, "/confirm-email, in another browser");
  await other.page.locator("summary").click();
  await other.send("/confirm-email/new-password");
  await expect(other.page.locator("#new-password-error")).toBeVisible();
  await inspect(other, "/confirm-email, taken over and refused");
  await visitor.open(link);
  await visitor.send("/confirm-email");
  await expect(visitor.notice).toBeVisible();
  await visitor.open("/confirm-email");
  await inspect(visitor, "/confirm-email, with nothing left to do");

  await visitor.open("/account/security");
  await visitor.fill({ email: next });
  await visitor.send("/account/security/email");
  await expect(visitor.page).toHaveURL("/confirm-email-change?notice=email-change-sent");
  await visitor.open((await mailbox.newest(next, "Confirm your new")).link);
  await inspect(visitor, "/confirm-email-change, with a link");
  await visitor.send("/confirm-email-change");
  await expect(visitor.notice).toBeVisible();
  await other.open((await mailbox.newest(person.email, "was changed")).link);
  await inspect(other, "/undo-email-change, with a link");
});

it("the way out and the way back", async ({ visitor, server, inspect }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  await visitor.open("/account/privacy");
  await visitor.send("/account/privacy/delete");
  await expect(visitor.notice).toBeVisible();
  await inspect(visitor, "/login, after asking for deletion");
  await visitor.signIn(person.email, person.password);
  await expect(visitor.page).toHaveURL("/account/restore");
  await inspect(visitor, "/account/restore");
});

it("a site that takes no new accounts, and a form that was sent too often", async ({ launch, elsewhere, inspect }) => {
  const server = await launch({ DOORWARD__REGISTRATION__OPEN: "false", DOORWARD__THROTTLE__LOGIN_NAME: "1/10m" });
  const visitor = await elsewhere(server.baseURL);
  for (const path of ["/register", "/login"]) {
    await visitor.open(path);
    await inspect(visitor, `${path}, closed`);
  }
  for (const said of ["do not match", "You can try again in"]) {
    await visitor.signIn("mona", "wrong");
    await expect(visitor.alert).toContainText(said);
  }
  await inspect(visitor, "/login, sent too often");
});

it("the mailbox, its mails, and the form that a mailed link leads to", async ({
  visitor,
  mailbox,
  elsewhere,
  server,
  inspect,
}) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  await visitor.page.context().clearCookies();
  await visitor.open("/reset-password");
  await visitor.fill({ email: person.email });
  await visitor.send();
  const mail = await mailbox.newest(person.email, "Choose a new password");
  const long = somebody();
  await (await elsewhere()).entersAs({ ...long, email: `${"e".repeat(40)}${long.email}` }, server.baseURL);
  await mailbox.newest(`${"e".repeat(40)}${long.email}`);
  for (const path of ["/dev/mailbox", mail.path, "/dev/mailbox/none"]) {
    await visitor.open(path);
    await inspect(visitor, path);
  }
  await visitor.open(mail.link);
  await inspect(visitor, "the form of a mailed link");
  await visitor.fill({ password: goodPassword(), password_again: goodPassword() });
  await visitor.send();
  await expect(visitor.errorOf("password_again")).toBeVisible();
  await inspect(visitor, "the form of a mailed link, refused");
});

it("the page in place of one that failed", async ({ launch, elsewhere, inspect }) => {
  const server = await launch({});
  const visitor = await elsewhere(server.baseURL);
  await visitor.entersAs(somebody(), server.baseURL);
  await server.spoilDatabase();
  const answer = await visitor.open("/dashboard");
  expect(answer?.status()).toBeGreaterThanOrEqual(500);
  await expect(visitor.page.getByRole("link", { name: "Try again" })).toBeVisible();
  await inspect(visitor, "an error");
});
