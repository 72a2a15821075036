// Confirming an address: in the browser that registered, in another one, and where nobody signs in before.

import { expect, goodPassword, Mailbox, registration, somebody, test, type Visitor } from "../support/fixtures.ts";

const MAIL = "Confirm your e-mail address";

function banner({ page }: Visitor) {
  return page.getByRole("region", { name: MAIL });
}

test("a new account is asked to confirm, and one press on the page of the mailed link does it", async ({ visitor, mailbox }) => {
  const { page } = visitor;
  const person = somebody();
  await visitor.register(person);
  await expect(banner(visitor)).toContainText("Please confirm your e-mail address.");
  const { link } = await mailbox.newest(person.email, MAIL);

  await test.step("opening the link, however often, confirms nothing", async () => {
    for (let time = 0; time < 2; time++) {
      await visitor.open(link);
      await expect(page).toHaveURL("/confirm-email");
      await expect(visitor.heading).toHaveText("Confirm your e-mail");
      await expect(page.locator("main input:visible")).toHaveCount(0);
    }
    await visitor.open("/account");
    await expect(banner(visitor)).toBeVisible();
  });

  await test.step("its button does", async () => {
    await visitor.open(link);
    await visitor.send("/confirm-email");
    await expect(page).toHaveURL("/account/security?notice=email-confirmed");
    await expect(visitor.notice).toHaveText("Thank you. Your e-mail address is confirmed.");
    await expect(page.getByText("Confirmed", { exact: true })).toBeVisible();
    await visitor.open("/dashboard");
    await expect(visitor.heading).toHaveText(`Hello, ${person.firstName}`);
    await expect(banner(visitor)).toHaveCount(0);
  });

  await test.step("afterwards the link has nothing left to do", async () => {
    await visitor.open(link);
    await expect(visitor.heading).toHaveText("Your e-mail is confirmed");
    await expect(page.getByRole("link", { name: "Go to your dashboard" })).toBeVisible();
  });
});

test("the code from the mail can be typed on the page that the banner leads to", async ({ visitor, mailbox }) => {
  const { page } = visitor;
  const person = somebody();
  await visitor.register(person);
  await page.getByRole("link", { name: "confirm your e-mail address" }).click();
  await expect(page).toHaveURL("/confirm-email");
  await expect(visitor.heading).toHaveText("Confirm your e-mail");
  await visitor.awake();
  await expect(visitor.field("code")).toHaveAttribute("autocomplete", "one-time-code");
  await visitor.send("/confirm-email");
  await expect(visitor.errorOf("code")).toContainText("Enter the code");
  const { code = "" } = await mailbox.newest(person.email, MAIL);
  await visitor.fill({ code: code === "00000000" ? "00000001" : "00000000" });
  await visitor.send("/confirm-email");
  await expect(visitor.alert).toHaveText(/^This link or code is not valid\./);
  await visitor.fill({ code: `${code.slice(0, 4)} ${code.slice(4)}` });
  await visitor.send("/confirm-email");
  await expect(page).toHaveURL("/account/security?notice=email-confirmed");
  await expect(banner(visitor)).toHaveCount(0);
});

test("the banner's button asks for another mail and says what comes of it", async ({ visitor }) => {
  const person = somebody();
  await visitor.register(person);
  await visitor.awake();
  await visitor.send("/confirm-email/resend");
  await expect(visitor.page).toHaveURL("/confirm-email?notice=confirmation-sent");
  await expect(visitor.notice).toContainText("A mail is on its way");
  await expect(visitor.page.getByText(`We send it to ${person.email}`)).toBeVisible();
});

test("in another browser the password shows that it is the same person", async ({ visitor, mailbox, elsewhere, server }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  const { link } = await mailbox.newest(person.email, MAIL);
  const phone = await elsewhere();
  const password = phone.page.getByLabel("Your password");
  await phone.open(link);
  await expect(phone.page.getByText("This is not the browser that registered.")).toBeVisible();
  await expect(phone.page.locator("body")).not.toContainText(person.email);
  await phone.send("/confirm-email");
  await expect(phone.errorOf("password")).toHaveText(/^Enter the password of this account/);
  await password.fill(goodPassword());
  await phone.send("/confirm-email");
  await expect(phone.errorOf("password")).toHaveText(/^That is not the password of this account/);
  await expect(password).toHaveValue("");
  await password.fill(person.password);
  await phone.send("/confirm-email");
  await expect(phone.page).toHaveURL("/login?notice=email-confirmed");
  await expect(phone.notice).toHaveText("Thank you. Your e-mail address is confirmed.");
  await visitor.open("/dashboard");
  await expect(visitor.heading).toHaveText(`Hello, ${person.firstName}`);
  await expect(banner(visitor)).toHaveCount(0);
});

test("who reads the mail of an address that a stranger registered takes the account over", async ({
  visitor: stranger,
  mailbox,
  elsewhere,
  server,
}) => {
  const person = somebody();
  const fresh = goodPassword();
  await stranger.entersAs(person, server.baseURL);
  await stranger.open("/dashboard");
  const { link } = await mailbox.newest(person.email, MAIL);
  const owner = await elsewhere();
  const { page } = owner;
  const chosen = page.getByLabel("New password", { exact: true });
  await owner.open(link);
  await expect(chosen).toBeHidden();
  await page.getByText("You did not register, or do not know the password?").click();
  await chosen.fill("short");
  await page.getByLabel("New password again").fill("short");
  await owner.send("/confirm-email/new-password");
  await expect(page.locator("#new-password-error")).toContainText("at least 10");
  await expect(page.locator("#password-error")).toBeHidden();
  await expect(chosen).toBeVisible();
  await chosen.fill(fresh);
  await page.getByLabel("New password again").fill(fresh);
  await owner.send("/confirm-email/new-password");
  await expect(page).toHaveURL("/login?notice=taken-over");
  await expect(owner.notice).toHaveText("Your address is confirmed and the password is yours. Sign in with it.");

  await stranger.page.reload();
  await expect(stranger.page).toHaveURL("/login?next=/dashboard");
  await stranger.awake();
  await stranger.signIn(person.email, person.password);
  await expect(stranger.alert).toContainText("do not match");

  await owner.awake();
  await owner.signIn(person.email, fresh);
  await expect(page).toHaveURL("/dashboard");
  await expect(banner(owner)).toHaveCount(0);
});

test("where confirming is required, nobody signs in before", async ({ launch, elsewhere }) => {
  const server = await launch({ DOORWARD__REGISTRATION__CONFIRMATION: "required" });
  const visitor = await elsewhere(server.baseURL);
  const { page } = visitor;
  const person = somebody();
  await visitor.open("/register");
  await visitor.fill(registration(person));
  await visitor.send();
  await expect(page).toHaveURL("/confirm-email");
  await visitor.open("/dashboard");
  await expect(page).toHaveURL("/login?next=/dashboard");
  await visitor.signIn(person.email, person.password);
  await expect(visitor.alert).toContainText("If you have not confirmed your e-mail address yet");
  await visitor.open("/dashboard");
  await expect(page).toHaveURL("/login?next=/dashboard");

  const { code = "" } = await new Mailbox(server.baseURL).newest(person.email, MAIL);
  const other = await elsewhere(server.baseURL);
  await other.open("/confirm-email");
  await other.fill({ code });
  await other.send("/confirm-email");
  await expect(other.alert).toContainText("not valid");

  await visitor.open("/confirm-email");
  await visitor.fill({ code });
  await visitor.send("/confirm-email");
  await expect(page).toHaveURL("/login?notice=email-confirmed");
  await visitor.awake();
  await visitor.signIn(person.email, person.password);
  await expect(page).toHaveURL("/dashboard");
});
