// Too many tries: a person is told when the next one makes sense, and types nothing twice.

import { expect, goodPassword, registration, somebody, test, type Visitor } from "../support/fixtures.ts";

/** What is said above a form that was sent too often. */
async function isAskedToWait(visitor: Visitor): Promise<void> {
  await expect(visitor.alert).toHaveText(/You can try again in \d+ (second|minute)s?\.$/);
  await expect(visitor.alert).toBeFocused();
  for (const secret of await visitor.page.locator("input[type=password]").all()) await expect(secret).toHaveValue("");
}

test("after too many wrong passwords the sign-in waits, for the right one too, and keeps the name", async ({
  launch,
  elsewhere,
}) => {
  const server = await launch({ DOORWARD__THROTTLE__LOGIN_NAME: "2/10m" });
  const person = somebody();
  const owner = await elsewhere(server.baseURL);
  await owner.entersAs(person, server.baseURL);
  const guesser = await elsewhere(server.baseURL);
  await guesser.open("/login");
  await guesser.page.getByLabel("Keep me signed in").check();
  for (let guess = 0; guess < 2; guess++) {
    await guesser.signIn(person.email, goodPassword());
    await expect(guesser.alert).toContainText("do not match");
  }
  for (const password of [goodPassword(), person.password]) {
    await guesser.fill({ identifier: person.email, password });
    const answer = await guesser.send();
    expect(answer.status()).toBe(429);
    expect(Number(answer.headers()["retry-after"])).toBeGreaterThan(60);
    await isAskedToWait(guesser);
    await expect(guesser.field("identifier")).toHaveValue(person.email);
    await expect(guesser.page.getByLabel("Keep me signed in")).toBeChecked();
  }
  await guesser.signIn(somebody().email, goodPassword());
  await expect(guesser.alert, "another name is another matter").toContainText("do not match");

  await owner.open("/dashboard");
  await owner.signOut();
  await owner.awake();
  await owner.signIn(person.email, person.password);
  await expect(owner.page, "the owner's own browser is known").toHaveURL("/dashboard");
});

test("forms that are sent too often keep what was typed", async ({ launch, elsewhere }) => {
  const limits = { REGISTER: "1/1h", MAIL: "1/1h", PROOF: "1/1h" };
  const named = Object.entries(limits).map(([limit, value]) => [`DOORWARD__THROTTLE__${limit}`, value]);
  const server = await launch(Object.fromEntries(named) as Record<string, string>);
  const visitor = await elsewhere(server.baseURL);
  await visitor.entersAs(somebody(), server.baseURL);

  await test.step("registering", async () => {
    const stranger = await elsewhere(server.baseURL);
    const values = registration(somebody());
    await stranger.open("/register");
    await stranger.fill(values);
    expect((await stranger.send()).status()).toBe(429);
    await isAskedToWait(stranger);
    for (const kept of ["email", "username", "first_name", "last_name"]) {
      await expect(stranger.field(kept)).toHaveValue(values[kept] ?? "");
    }
  });

  await test.step("asking for a mail", async () => {
    const stranger = await elsewhere(server.baseURL);
    for (const status of [200, 429]) {
      await stranger.open("/reset-password");
      await stranger.fill({ email: "mona@example.test" });
      const answer = await stranger.send();
      if (status === 429) expect(answer.status()).toBe(status);
      else await expect(stranger.page).toHaveURL("/reset-confirmation");
    }
    await isAskedToWait(stranger);
    await expect(stranger.field("email")).toHaveValue("mona@example.test");
  });

  await test.step("giving the password as proof", async () => {
    const password = goodPassword();
    await visitor.open("/account/security");
    for (const status of [422, 429]) {
      await visitor.fill({ current_password: "wrong", password, password_again: password });
      expect((await visitor.send("/account/security/password")).status()).toBe(status);
    }
    await isAskedToWait(visitor);
    await expect(visitor.heading).toHaveText("Security");
  });
});
