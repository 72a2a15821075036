// Every form, with what should not be typed into it.

import { expect, goodPassword, registration, somebody, test, type Visitor } from "../support/fixtures.ts";

/** Everything below 64 KiB, so that the form itself is read. */
const ENDLESS = "x".repeat(20_000);
/** What the mail with a link to a new password says. */
const RESET = "Choose a new password";

/** What a visitor without scripts sees at once, scripts come to after the answer: the wrong field and its message. */
async function refuses(visitor: Visitor, wrong: string, message: RegExp | string): Promise<void> {
  await expect(visitor.errorOf(wrong)).toHaveText(message);
  await expect(visitor.errorOf(wrong)).toBeVisible();
  await expect(visitor.field(wrong)).toHaveAttribute("aria-invalid", "true");
  await expect(visitor.alert).toHaveText("Please check the fields marked below.");
  for (const secret of await visitor.page.locator("input[type=password]").all()) await expect(secret).toHaveValue("");
}

test.describe("registering", () => {
  test("an empty form names every field that is needed and puts the focus on the first", async ({ visitor }) => {
    await visitor.open("/register");
    const answer = await visitor.send();
    expect(answer.status()).toBe(422);
    await refuses(visitor, "email", "Enter your e-mail address.");
    await refuses(visitor, "username", "Enter a user name.");
    await refuses(visitor, "password", /Use at least 10 characters/);
    for (const right of ["first_name", "last_name"]) {
      await expect(visitor.field(right)).toHaveAttribute("aria-invalid", "false");
      await expect(visitor.errorOf(right)).toBeHidden();
    }
    await expect(visitor.field("email")).toBeFocused();
  });

  const wrong: [field: string, typed: string, message: RegExp][] = [
    ["email", "plain", /such as name@example\.com/],
    ["email", "a@b@c", /one @/],
    ["email", "mona @example.test", /no spaces/],
    ["email", "<mona@example.test>", /alone, without a name/],
    ["email", "a@example.test,b@example.test", /one e-mail address only/],
    ["email", `${"x".repeat(250)}@example.test`, /at most 254/],
    ["email", ENDLESS, /at most 254/],
    ["username", "ab", /3 to 32 characters/],
    ["username", "x".repeat(33), /3 to 32 characters/],
    ["username", "mona lisa", /letters, digits/],
    ["username", "mona@example.test", /no @/],
    ["username", "' OR '1'='1", /letters, digits/],
    ["username", "\u0430dmin-mona", /one alphabet|looks like/],
    ["password", "short", /at least 10/],
    ["password", "x".repeat(257), /at most 256/],
    ["password", "password1234", /./],
    ["first_name", "x".repeat(101), /at most 100/],
    ["last_name", "Mona\u202ELisa", /control characters/],
  ];
  test("each wrong field is named, what was typed stays, and passwords are gone", async ({ visitor }) => {
    const person = somebody();
    for (const [field, typed, message] of wrong) {
      await test.step(`${field}: ${typed.slice(0, 40)}`, async () => {
        await visitor.open("/register");
        const values = { ...registration(person), [field]: typed };
        if (field === "password") values["password_again"] = typed;
        await visitor.fill(values);
        const answer = await visitor.send();
        expect(answer.status()).toBe(422);
        await refuses(visitor, field, message);
        await expect(visitor.field(field)).toBeFocused();
        for (const kept of ["email", "username", "first_name", "last_name"]) {
          await expect(visitor.field(kept)).toHaveValue(values[kept] ?? "");
        }
      });
    }
  });

  test("a password about its owner is refused, and two that differ are", async ({ visitor }) => {
    const person = somebody();
    await visitor.open("/register");
    await visitor.fill({ ...registration(person), password: person.email, password_again: person.email });
    await visitor.send();
    await refuses(visitor, "password", /too close to your name, your address/);
    await visitor.fill({ password: person.password, password_again: `${person.password}!` });
    await visitor.send();
    await refuses(visitor, "password_again", /not the same/);
    await expect(visitor.field("password")).toHaveAttribute("aria-invalid", "false");
    await expect(visitor.field("password_again")).toBeFocused();
    await visitor.fill({ password: person.password, password_again: person.password });
    await visitor.send();
    await expect(visitor.page).toHaveURL("/dashboard");
  });

  test("where several fields are wrong the focus goes to the first of them", async ({ visitor }) => {
    await visitor.open("/register");
    await visitor.fill({ ...registration(somebody()), password: "short", first_name: "x".repeat(101) });
    await visitor.send();
    await refuses(visitor, "password", /at least 10/);
    await refuses(visitor, "first_name", /at most 100/);
    await expect(visitor.field("password")).toBeFocused();
  });

  test("a name and an address that are taken are told, in any case", async ({ visitor, server, context }) => {
    const person = somebody();
    await visitor.entersAs(person, server.baseURL);
    await context.clearCookies();
    await visitor.open("/register");
    const values = registration(person);
    await visitor.fill({ ...values, email: person.email.toUpperCase(), username: ` ${person.username.toUpperCase()} ` });
    await visitor.send();
    await refuses(visitor, "email", /already an account/);
    await refuses(visitor, "username", /taken/);
    await visitor.open("/dashboard");
    await expect(visitor.page).toHaveURL("/login?next=/dashboard");
  });

  test("a form larger than any person types is refused in words", async ({ visitor }) => {
    await visitor.open("/register");
    await visitor.fill({ ...registration(somebody()), password: "x".repeat(100_000) });
    const answer = await visitor.send();
    expect(answer.status()).toBe(413);
    await expect(visitor.heading).toBeVisible();
    await expect(visitor.page.getByText("too large").or(visitor.page.getByText("more than a form can hold"))).toBeVisible();
  });
});

test.describe("signing in", () => {
  test("an empty form names both fields", async ({ visitor }) => {
    await visitor.open("/login");
    await visitor.send();
    await refuses(visitor, "identifier", "Enter your user name or e-mail address.");
    await refuses(visitor, "password", "Enter your password.");
    await expect(visitor.field("identifier")).toBeFocused();
  });

  test("a missing password is the one field that is wrong", async ({ visitor }) => {
    await visitor.open("/login");
    await visitor.fill({ identifier: "mona" });
    await visitor.send();
    await refuses(visitor, "password", "Enter your password.");
    await expect(visitor.field("identifier")).toHaveValue("mona");
    await expect(visitor.field("password")).toBeFocused();
  });

  test("a wrong password and an unknown name are answered alike", async ({ visitor, server, context }) => {
    const person = somebody();
    await visitor.entersAs(person, server.baseURL);
    await context.clearCookies();
    const told: string[] = [];
    const identifiers = [person.username, somebody().username, somebody().email, "' OR '1'='1", '";--', "\\", ENDLESS];
    for (const identifier of identifiers) {
      await visitor.open("/login");
      await visitor.page.getByLabel("Keep me signed in").check();
      await visitor.signIn(identifier, goodPassword());
      await expect(visitor.alert).toContainText("do not match");
      told.push((await visitor.alert.innerText()).trim());
      await expect(visitor.alert).toBeFocused();
      await expect(visitor.field("identifier")).toHaveValue(identifier);
      await expect(visitor.field("password")).toHaveValue("");
      await expect(visitor.page.getByLabel("Keep me signed in")).toBeChecked();
    }
    expect(new Set(told).size).toBe(1);
  });

  test("text that can be no password is a wrong password", async ({ visitor }) => {
    await visitor.open("/login");
    for (const password of [" ", "\u{1F422}".repeat(300), ENDLESS]) {
      await visitor.signIn("mona", password);
      await expect(visitor.alert).toContainText("do not match");
    }
  });

  test("what was wrong is no longer marked once the form is right", async ({ visitor, server, context }) => {
    const person = somebody();
    await visitor.entersAs(person, server.baseURL);
    await context.clearCookies();
    await visitor.open("/login");
    await visitor.send();
    await visitor.fill({ identifier: person.username });
    await visitor.send();
    await expect(visitor.errorOf("identifier")).toBeHidden();
    await expect(visitor.field("identifier")).toHaveAttribute("aria-invalid", "false");
    await visitor.fill({ password: person.password });
    await visitor.send();
    await expect(visitor.page).toHaveURL("/dashboard");
  });
});

test.describe("resetting a password", () => {
  test("an address that is none is named and stays", async ({ visitor }) => {
    await visitor.open("/reset-password");
    for (const [typed, message] of [["", /Enter your/], ["mona", /such as/], ["a@b@c", /one @/], [ENDLESS, /254/]] as const) {
      await visitor.fill({ email: typed });
      await visitor.send();
      await refuses(visitor, "email", message);
      await expect(visitor.field("email")).toHaveValue(typed);
      await expect(visitor.field("email")).toBeFocused();
    }
  });

  test("a code is needed, and a wrong one is refused without saying why", async ({ visitor }) => {
    await visitor.open("/reset-confirmation");
    const password = goodPassword();
    await visitor.fill({ password, password_again: password });
    await visitor.send();
    await refuses(visitor, "code", /Enter the code/);
    await expect(visitor.field("code")).toBeFocused();
    for (const code of ["00000000", "1", "\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668", "x".repeat(2000)]) {
      await visitor.fill({ code, password, password_again: password });
      await visitor.send();
      await expect(visitor.alert).toContainText("This link or code is not valid.");
      await expect(visitor.alert).toBeFocused();
    }
  });

  test("a password that is refused costs neither the link nor its code", async ({ visitor, mailbox, server, context }) => {
    const person = somebody();
    await visitor.entersAs(person, server.baseURL);
    await context.clearCookies();
    await visitor.open("/reset-password");
    await visitor.fill({ email: person.email });
    await visitor.send();
    const link = (await mailbox.newest(person.email, RESET)).link;
    await visitor.open(link);
    const password = goodPassword();
    await visitor.fill({ password: "short", password_again: "short" });
    await visitor.send();
    await refuses(visitor, "password", /at least 10/);
    await visitor.fill({ password: person.email, password_again: person.email });
    await visitor.send();
    await refuses(visitor, "password", /too close to your name/);
    await visitor.fill({ password, password_again: `${password}!` });
    await visitor.send();
    await refuses(visitor, "password_again", /not the same/);
    await visitor.fill({ password, password_again: password });
    await visitor.send();
    await expect(visitor.page).toHaveURL("/login?notice=password-reset");
  });

  test("a link that was cut or made up is refused when its form is sent", async ({ visitor }) => {
    const password = goodPassword();
    for (const query of ["uid=MQ&token=abc", "uid=<script>&token='%20OR", `uid=${"x".repeat(500)}&token=y`]) {
      await visitor.open(`/reset-confirmation?${query}`);
      await expect(visitor.page).toHaveURL("/reset-confirmation");
      await visitor.fill({ password, password_again: password });
      await visitor.send();
      await expect(visitor.alert).toContainText("This link or code is not valid.");
    }
  });
});

const FIELDS: Record<string, Record<string, [type: string, autocomplete: string, label: string]>> = {
  "/login": {
    identifier: ["text", "username webauthn", "User name or e-mail"],
    password: ["password", "current-password", "Password"],
  },
  "/register": {
    email: ["email", "email", "E-mail"],
    username: ["text", "username", "User name"],
    password: ["password", "new-password", "Password"],
    password_again: ["password", "new-password", "Password again"],
    first_name: ["text", "given-name", "First name (optional)"],
    last_name: ["text", "family-name", "Last name (optional)"],
  },
  "/reset-password": { email: ["email", "email", "E-mail"] },
  "/reset-confirmation": {
    code: ["text", "one-time-code", "Code from the mail"],
    password: ["password", "new-password", "New password"],
    password_again: ["password", "new-password", "New password again"],
  },
};

test("every field has its label, its autofill token, its error's place, and no limit on pasting", async ({ visitor, page }) => {
  for (const [path, fields] of Object.entries(FIELDS)) {
    await visitor.open(path);
    expect(await page.locator("main input[name]:not([type=hidden], [type=checkbox], [tabindex='-1'])").count()).toBe(Object.keys(fields).length);
    for (const [name, [type, autocomplete, label]] of Object.entries(fields)) {
      const field = visitor.field(name);
      await expect(field).toHaveAttribute("type", type);
      await expect(field).toHaveAttribute("autocomplete", autocomplete);
      await expect(field).toHaveAccessibleName(label);
      expect(await field.getAttribute("maxlength")).toBeNull();
      for (const id of ((await field.getAttribute("aria-describedby")) ?? "").split(" ")) {
        await expect(page.locator(`[id="${id}"]`)).toHaveCount(1);
      }
      expect(await field.getAttribute("aria-describedby")).toContain(`${name}-error`);
    }
    await expect(page.locator("main input:not([type=hidden])").first()).toBeFocused();
  }
});

test("a long pass phrase is taken as it was pasted", async ({ visitor, page }) => {
  const phrase = `  ${goodPassword()} ${"längere Sätze sind \u{1F422} gut ".repeat(7)}`;
  const person = somebody({ password: phrase });
  await visitor.open("/register");
  await visitor.fill(registration(person));
  await visitor.field("first_name").fill(phrase);
  for (const name of ["password", "password_again"]) {
    await visitor.field(name).fill("");
    await visitor.field("first_name").selectText();
    await page.keyboard.press("Control+C");
    await visitor.field(name).focus();
    await page.keyboard.press("Control+V");
    await expect(visitor.field(name)).toHaveValue(phrase);
  }
  await visitor.field("first_name").fill("Mona");
  await visitor.send();
  await expect(page).toHaveURL("/dashboard");
  await visitor.signOut();
  await visitor.awake();
  await visitor.signIn(person.username, phrase.trim());
  await expect(visitor.alert).toContainText("do not match");
  await visitor.signIn(person.username, phrase);
  await expect(page).toHaveURL("/dashboard");
});

test("the button that shows a password is there only where it works", async ({ visitor, page }) => {
  for (const path of ["/login", "/register", "/reset-confirmation"]) {
    await visitor.open(path);
    for (const button of await page.locator("button.reveal").all()) {
      if (visitor.scripts) await expect(button).toBeVisible();
      else await expect(button).toBeHidden();
    }
  }
});

test("a form is sent with the Enter key", async ({ visitor, page, server, context }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  await context.clearCookies();
  await visitor.open("/login");
  await visitor.fill({ identifier: person.username, password: person.password });
  await visitor.field("identifier").press("Enter");
  await expect(page).toHaveURL("/dashboard");
});
