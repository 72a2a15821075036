// What a person changes about an account: profile, user name, password, e-mail address.

import { expect, goodPassword, somebody, test, type Visitor } from "../support/fixtures.ts";

const PROFILE = "/account/profile";
const USERNAME = "/account/username";
const PASSWORD = "/account/security/password";
const EMAIL = "/account/security/email";

/** Fields of this name and what is said of them; nothing typed is lost, and no other form of the page is blamed. */
async function refuses(visitor: Visitor, field: string, message: RegExp | string): Promise<void> {
  await expect(visitor.errorOf(field)).toHaveText(message);
  await expect(visitor.alert).toHaveCount(1);
  await expect(visitor.field(field)).toHaveAttribute("aria-invalid", "true");
  await expect(visitor.field(field)).toBeFocused();
}

test.describe("the profile", () => {
  test("is saved, and its time zone is the one of every time that is shown", async ({ visitor, page, server }) => {
    await visitor.entersAs(somebody(), server.baseURL);
    await visitor.open("/account/history");
    await expect(page.locator("main time").first()).toHaveText(/ UTC$/);
    await visitor.open("/account");
    await expect(visitor.heading).toHaveText("Profile");
    await expect(visitor.field("first_name")).toHaveValue("Mona");
    await expect(page.getByLabel("Time zone")).toHaveValue("UTC");
    await visitor.fill({ first_name: "Lisa", last_name: "" });
    await page.getByLabel("Time zone").selectOption("Asia/Kathmandu");
    await visitor.send(PROFILE);
    await expect(page).toHaveURL("/account?notice=profile-saved");
    await expect(visitor.notice).toHaveText("Your profile is saved.");
    await expect(visitor.field("first_name")).toHaveValue("Lisa");
    await expect(page.getByLabel("Time zone")).toHaveValue("Asia/Kathmandu");
    for (const path of ["/account/history", "/account/sessions"]) {
      await visitor.open(path);
      await expect(page.locator("main time").first()).toHaveText(/, \d\d:\d\d \+0545$/);
    }
    await visitor.open("/dashboard");
    await expect(visitor.heading).toHaveText("Hello, Lisa");
  });

  test("says what is wrong beside the field and keeps what was typed", async ({ visitor, page, server }) => {
    await visitor.entersAs(somebody(), server.baseURL);
    await visitor.open("/account");
    await visitor.fill({ first_name: "x".repeat(101), last_name: "Lisa" });
    await page.getByLabel("Time zone").selectOption("Europe/Berlin");
    expect((await visitor.send(PROFILE)).status()).toBe(422);
    await refuses(visitor, "first_name", /at most 100/);
    await expect(visitor.field("first_name")).toHaveValue("x".repeat(101));
    await expect(visitor.field("last_name")).toHaveValue("Lisa");
    await expect(page.getByLabel("Time zone")).toHaveValue("Europe/Berlin");
    await expect(visitor.errorOf("last_name")).toBeHidden();
    await visitor.fill({ first_name: "" });
    await visitor.send(PROFILE);
    await expect(visitor.notice).toHaveText("Your profile is saved.");
    await expect(visitor.field("last_name")).toHaveValue("Lisa");
  });
});

test("a user name is refused beside its field, and changed for every sign-in from then on", async ({
  visitor,
  page,
  mailbox,
  elsewhere,
  server,
}) => {
  const [person, other] = [somebody(), somebody()];
  const fresh = somebody().username;
  await (await elsewhere()).entersAs(other, server.baseURL);
  await visitor.entersAs(person, server.baseURL);
  await visitor.open("/account");
  for (const [typed, message] of [["ab", /3 to 32 characters/], ["mona lisa", /letters, digits/], [other.username, /taken/]] as const) {
    await visitor.fill({ username: typed });
    await visitor.send(USERNAME);
    await refuses(visitor, "username", message);
    await expect(visitor.field("username")).toHaveValue(typed);
    await expect(visitor.field("first_name"), "the other form stays as it was").toHaveValue(person.firstName);
  }
  await visitor.fill({ username: fresh });
  await visitor.send(USERNAME);
  await expect(page).toHaveURL("/account?notice=username-changed");
  await expect(visitor.notice).toHaveText("Your user name is changed. Sign in with the new one from now on.");
  await expect(visitor.field("username")).toHaveValue(fresh);
  await mailbox.newest(person.email, "Your user name for Doorward was changed");
  await visitor.signOut();
  await visitor.awake();
  await visitor.signIn(person.username, person.password);
  await expect(visitor.alert).toContainText("do not match");
  await visitor.signIn(fresh, person.password);
  await expect(page).toHaveURL("/dashboard");
});

test("a new password signs out every other browser, and this one goes on", async ({
  visitor,
  page,
  mailbox,
  elsewhere,
  server,
}) => {
  const person = somebody();
  const fresh = goodPassword();
  await visitor.entersAs(person, server.baseURL);
  const other = await elsewhere();
  await other.comesBackAs(person, server.baseURL);
  await other.open("/account");
  await expect(other.heading).toHaveText("Profile");

  await visitor.open("/account/security");
  await visitor.fill({ current_password: goodPassword(), password: fresh, password_again: fresh });
  expect((await visitor.send(PASSWORD)).status()).toBe(422);
  await refuses(visitor, "current_password", /not your present password/);
  await visitor.fill({ current_password: person.password, password: "short", password_again: "short" });
  await visitor.send(PASSWORD);
  await refuses(visitor, "password", /at least 10/);
  await visitor.fill({ current_password: person.password, password: fresh, password_again: `${fresh}!` });
  await visitor.send(PASSWORD);
  await refuses(visitor, "password_again", /not the same/);
  for (const secret of await page.locator("input[type=password]").all()) await expect(secret).toHaveValue("");
  await visitor.fill({ current_password: person.password, password: fresh, password_again: fresh });
  await visitor.send(PASSWORD);
  await expect(page).toHaveURL("/account/security?notice=password-changed");
  await expect(visitor.notice).toHaveText("Your password is changed. You are signed out everywhere else.");
  await mailbox.newest(person.email, "was changed");

  await other.page.reload();
  await expect(other.page).toHaveURL("/login?next=/account");
  await page.reload();
  await expect(visitor.heading).toHaveText("Security");
  await other.awake();
  await other.signIn(person.email, person.password);
  await expect(other.alert).toContainText("do not match");
  await other.signIn(person.email, fresh);
  await expect(other.page).toHaveURL("/account");
});

test.describe("the e-mail address", () => {
  test("that cannot be is refused beside its field and stays", async ({ visitor, server }) => {
    const person = somebody();
    await visitor.entersAs(person, server.baseURL);
    await visitor.open("/account/security");
    for (const [typed, message] of [["", /Enter your/], ["mona", /such as/], [person.email, /address you have now/]] as const) {
      await visitor.fill({ email: typed });
      expect((await visitor.send(EMAIL)).status()).toBe(422);
      await refuses(visitor, "email", message);
      await expect(visitor.field("email")).toHaveValue(typed);
      await expect(visitor.errorOf("current_password")).toBeHidden();
    }
  });

  test("changes once the new one has answered, and the old one takes it back", async ({
    visitor,
    page,
    mailbox,
    elsewhere,
    server,
  }) => {
    const person = somebody();
    const next = somebody().email;
    const fresh = goodPassword();
    await visitor.entersAs(person, server.baseURL);
    await visitor.confirmsBy((await mailbox.newest(person.email, "Confirm your e-mail address")).link);

    await test.step("nothing changes before the mail is answered", async () => {
      await visitor.open("/account/security");
      await visitor.fill({ email: next });
      await visitor.send(EMAIL);
      await expect(page).toHaveURL("/confirm-email-change?notice=email-change-sent");
      await expect(visitor.heading).toHaveText("Change your e-mail");
      await visitor.open("/dashboard");
      await expect(visitor.fact("email")).toHaveText(person.email);
    });

    await test.step("the mailed link leads to one button", async () => {
      const { link } = await mailbox.newest(next, "Confirm your new e-mail address");
      await visitor.open(link);
      await expect(page).toHaveURL("/confirm-email-change");
      await expect(page.locator("main input:visible")).toHaveCount(0);
      await visitor.send("/confirm-email-change");
      await expect(page).toHaveURL("/account/security?notice=email-changed");
      await expect(visitor.notice).toHaveText("Your e-mail address is changed.");
      await expect(page.locator("main").getByText(next)).toBeVisible();
      await expect(page.getByText("Confirmed", { exact: true })).toBeVisible();
    });

    await test.step("who reads the old mailbox takes the account back, with a new password", async () => {
      const owner = await elsewhere();
      const { link } = await mailbox.newest(person.email, "Your e-mail address for Doorward was changed");
      await owner.open(link);
      await expect(owner.page).toHaveURL("/undo-email-change");
      await expect(owner.heading).toHaveText("Keep your old e-mail");
      await owner.send("/undo-email-change");
      await expect(owner.page).toHaveURL("/reset-confirmation");
      await page.reload();
      await expect(page).toHaveURL("/login?next=/account/security");
      await owner.awake();
      const { code = "" } = await mailbox.newest(person.email, "Choose a new password");
      await owner.fill({ code, password: fresh, password_again: fresh });
      await owner.send();
      await expect(owner.page).toHaveURL("/login?notice=password-reset");
      await owner.awake();
      await owner.signIn(person.email, fresh);
      await expect(owner.page).toHaveURL("/dashboard");
      await expect(owner.fact("email")).toHaveText(person.email);
    });
  });

  test("can be changed with the code from the mail", async ({ visitor, page, mailbox, server }) => {
    const next = somebody().email;
    await visitor.entersAs(somebody(), server.baseURL);
    await visitor.open("/account/security");
    await visitor.fill({ email: next });
    await visitor.send(EMAIL);
    await expect(page).toHaveURL("/confirm-email-change?notice=email-change-sent");
    await visitor.awake();
    const { code = "" } = await mailbox.newest(next, "Confirm your new e-mail address");
    await visitor.fill({ code: code === "00000000" ? "00000001" : "00000000" });
    await visitor.send("/confirm-email-change");
    await expect(visitor.alert).toHaveText(/^This link or code is not valid\./);
    await visitor.fill({ code });
    await visitor.send("/confirm-email-change");
    await expect(page).toHaveURL("/account/security?notice=email-changed");
    await expect(page.locator("main").getByText(next)).toBeVisible();
  });
});

test.describe("the keyboard", () => {
  test("reaches everything on the security page, in the order in which it is read", async ({ visitor, page, server }) => {
    await visitor.entersAs(somebody(), server.baseURL);
    await visitor.open("/account/security");
    const wanted = page.locator("a[href]:visible, button:visible, input:visible:not([tabindex='-1'])");
    const count = await wanted.count();
    expect(count).toBeGreaterThan(15);
    for (let step = 0; step < count; step++) {
      await page.keyboard.press("Tab");
      await expect(wanted.nth(step), `stop ${step + 1} of ${count}`).toBeFocused();
    }
  });

  test("sends the form that Enter is pressed in, and no other", async ({ visitor, page, server }) => {
    await visitor.entersAs(somebody(), server.baseURL);
    await visitor.open("/account/security");
    await visitor.fill({ email: somebody().email });
    await visitor.field("email").press("Enter");
    await expect(page).toHaveURL("/confirm-email-change?notice=email-change-sent");
    await visitor.open("/account/security");
    await visitor.field("current_password").press("Enter");
    await refuses(visitor, "current_password", /./);
    await expect(visitor.errorOf("email")).toBeHidden();
  });
});
