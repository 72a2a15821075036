// The life of an account, as its owner sees it.

import { expect, goodPassword, Mailbox, somebody, test } from "../support/fixtures.ts";

test("a person registers, comes back, signs out, and gets back in after forgetting the password", async ({
  visitor,
  mailbox,
  context,
}) => {
  const { page } = visitor;
  const person = somebody();
  const fresh = goodPassword();

  await test.step("registering leads to the dashboard", async () => {
    await visitor.open("/");
    await page.getByRole("link", { name: "Create account" }).click();
    await expect(visitor.heading).toHaveText("Create account");
    await visitor.awake();
    await page.getByLabel("E-mail").fill(person.email);
    await page.getByLabel("User name").fill(person.username);
    await page.getByLabel("Password", { exact: true }).fill(person.password);
    await page.getByLabel("Password again").fill(person.password);
    await page.getByLabel("First name").fill(person.firstName);
    await page.getByLabel("Last name").fill(person.lastName);
    await page.getByRole("button", { name: "Create account" }).click();
    await expect(page).toHaveURL("/dashboard");
    await expect(visitor.heading).toHaveText(`Hello, ${person.firstName}`);
    await expect(visitor.fact("username")).toHaveText(person.username);
    await expect(visitor.fact("email")).toHaveText(person.email);
    await expect(visitor.fact("name")).toHaveText(`${person.firstName} ${person.lastName}`);
  });

  await test.step("a reload and a new tab find the person signed in", async () => {
    await page.reload();
    await expect(visitor.heading).toHaveText(`Hello, ${person.firstName}`);
    const tab = await context.newPage();
    await tab.goto("/dashboard");
    await expect(tab.getByRole("heading", { level: 1 })).toHaveText(`Hello, ${person.firstName}`);
    await tab.close();
  });

  await test.step("signing out closes the dashboard", async () => {
    await visitor.signOut();
    await expect(page.getByRole("status")).toHaveText("You are signed out.");
    await visitor.open("/dashboard");
    await expect(page).toHaveURL("/login?next=/dashboard");
  });

  await test.step("the e-mail address signs in, in any case", async () => {
    await visitor.signIn(person.email.toUpperCase(), person.password);
    await expect(page).toHaveURL("/dashboard");
    await visitor.signOut();
  });

  await test.step("the mailed link lets choose a new password", async () => {
    await page.getByRole("link", { name: "Forgot your password?" }).click();
    await expect(visitor.heading).toHaveText("Reset your password");
    await visitor.awake();
    await visitor.fill({ email: person.email });
    await visitor.send();
    await expect(page).toHaveURL("/reset-confirmation");
    await expect(visitor.heading).toHaveText("Check your mail");

    const mail = await mailbox.newest(person.email, "Choose a new password");
    await page.goto(mail.path);
    await page.locator('a[href*="/reset-confirmation?"]').click();
    await expect(page).toHaveURL("/reset-confirmation");
    await expect(visitor.heading).toHaveText("Choose a new password");
    await visitor.awake();
    await visitor.fill({ password: fresh, password_again: fresh });
    await visitor.send();
    await expect(page).toHaveURL("/login?notice=password-reset");
    await expect(page.getByRole("status")).toHaveText("Your password is changed. Sign in with the new one.");
  });

  await test.step("the old password is refused and the new one taken", async () => {
    await visitor.awake();
    await visitor.signIn(person.email, person.password);
    await expect(visitor.alert).toContainText("do not match");
    await visitor.signIn(person.username, fresh);
    await expect(page).toHaveURL("/dashboard");
    await expect(visitor.heading).toHaveText(`Hello, ${person.firstName}`);
  });
});

test("the mailed code works where it was asked for, and nowhere else", async ({ visitor, mailbox, elsewhere, server }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  await visitor.page.context().clearCookies();
  await visitor.open("/reset-password");
  await visitor.fill({ email: person.email });
  await visitor.send();
  const { code = "" } = await mailbox.newest(person.email, "Choose a new password");
  expect(code).toMatch(/^\d{8}$/);
  const fresh = goodPassword();

  const thief = await elsewhere();
  await thief.open("/reset-confirmation");
  await thief.fill({ code, password: fresh, password_again: fresh });
  await thief.send();
  await expect(thief.alert).toContainText("not valid");

  await expect(visitor.page).toHaveURL("/reset-confirmation");
  await visitor.awake();
  // As it stands in the mail: in two halves.
  await visitor.fill({ code: `${code.slice(0, 4)} ${code.slice(4)}`, password: fresh, password_again: fresh });
  await visitor.send();
  await expect(visitor.page).toHaveURL("/login?notice=password-reset");
  await visitor.awake();
  await visitor.signIn(person.email, fresh);
  await expect(visitor.page).toHaveURL("/dashboard");
});

test("a new password ends every session, everywhere, and its owner is told by mail", async ({
  visitor,
  mailbox,
  elsewhere,
  server,
}) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  await visitor.open("/dashboard");
  await expect(visitor.page).toHaveURL("/dashboard");

  const other = await elsewhere();
  await other.open("/reset-password");
  await other.fill({ email: person.email });
  await other.send();
  const link = (await mailbox.newest(person.email, "Choose a new password")).link;
  await other.open(link);
  const fresh = goodPassword();
  await other.fill({ password: fresh, password_again: fresh });
  await other.send();
  await expect(other.page).toHaveURL("/login?notice=password-reset");

  await visitor.page.reload();
  await expect(visitor.page).toHaveURL("/login?next=/dashboard");
  await mailbox.newest(person.email, "was changed");
});

test("a mailed link works once", async ({ visitor, mailbox, server }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  await visitor.page.context().clearCookies();
  await visitor.open("/reset-password");
  await visitor.fill({ email: person.email });
  await visitor.send();
  const link = (await mailbox.newest(person.email, "Choose a new password")).link;
  for (const verdict of ["taken", "refused"]) {
    const password = goodPassword();
    await visitor.open(link);
    await visitor.fill({ password, password_again: password });
    await visitor.send();
    if (verdict === "taken") await expect(visitor.page).toHaveURL("/login?notice=password-reset");
    else await expect(visitor.alert).toContainText("This link or code is not valid.");
  }
});

test("asking for a reset tells nobody whether an address is known", async ({ visitor, mailbox, server }) => {
  const known = somebody();
  const unknown = somebody();
  await visitor.entersAs(known, server.baseURL);
  await visitor.page.context().clearCookies();
  const seen: string[] = [];
  for (const { email } of [unknown, known]) {
    await visitor.open("/reset-password");
    await visitor.fill({ email });
    await visitor.send();
    await expect(visitor.page).toHaveURL("/reset-confirmation");
    await expect(visitor.heading).toHaveText("Check your mail");
    seen.push(await visitor.page.locator("main").innerText());
  }
  expect(seen[1]).toBe(seen[0]);
  // The known one's mail was asked for later, so the other's would be here by now.
  await mailbox.newest(known.email, "Choose a new password");
  expect(await mailbox.all(unknown.email)).toEqual([]);
});

test("only a ticked box keeps a person signed in when the browser is closed", async ({ visitor, context, server }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  for (const ticked of [false, true]) {
    await context.clearCookies();
    await visitor.open("/login");
    if (ticked) await visitor.page.getByLabel("Keep me signed in").check();
    await visitor.signIn(person.username, person.password);
    await expect(visitor.page).toHaveURL("/dashboard");
    const cookie = (await context.cookies()).find(({ name }) => name === "__Host-doorward");
    const days = ((cookie?.expires ?? 0) - Date.now() / 1000) / 86_400;
    if (ticked) expect(days).toBeGreaterThan(13);
    else expect(cookie?.expires).toBe(-1);
  }
});

test("a name that looks like markup stays a name", async ({ visitor, page }) => {
  const person = somebody({ firstName: '<img src=x onerror="alert(1)">', lastName: "<script>alert(2)</script>" });
  page.on("dialog", () => expect(true, "nothing of it may run").toBe(false));
  await visitor.register(person);
  await expect(visitor.heading).toHaveText(`Hello, ${person.firstName}`);
  await expect(visitor.fact("name")).toHaveText(`${person.firstName} ${person.lastName}`);
  await expect(page.locator("main img, main script")).toHaveCount(0);
  await visitor.open("/");
  await expect(page.getByText(`Signed in as ${person.firstName}`)).toBeVisible();
  await expect(page.locator("main img")).toHaveCount(0);
});

test("who is signed in is not asked to sign in or to register", async ({ visitor, server }) => {
  await visitor.entersAs(somebody(), server.baseURL);
  for (const path of ["/login", "/register"]) {
    await visitor.open(path);
    await expect(visitor.page).toHaveURL("/dashboard");
  }
});

test("where the settings say so, a new account signs in by itself, and a known address is told by mail alone", async ({
  launch,
  elsewhere,
}) => {
  const server = await launch({ DOORWARD__REGISTRATION__SIGN_IN: "false" });
  const visitor = await elsewhere(server.baseURL);
  const person = somebody();
  const again = somebody({ email: person.email });
  for (const each of [person, again]) {
    await visitor.open("/register");
    await visitor.fill({ email: each.email, username: each.username, password: each.password });
    await visitor.fill({ password_again: each.password });
    await visitor.send();
    await expect(visitor.page).toHaveURL("/login?notice=registered");
    await expect(visitor.page.getByRole("status")).toHaveText("Thank you. You can sign in now.");
  }
  await new Mailbox(server.baseURL).newest(person.email, "You already have an account");
  await visitor.awake();
  await visitor.signIn(person.email, again.password);
  await expect(visitor.alert).toContainText("do not match");
  await visitor.signIn(person.email, person.password);
  await expect(visitor.page).toHaveURL("/dashboard");
});

test("a password manager finds where to change a password", async ({ visitor }) => {
  await visitor.open("/.well-known/change-password");
  await expect(visitor.page).toHaveURL("/reset-password");
});
