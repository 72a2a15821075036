// One's data: taking it along, leaving, and coming back in time.

import { readFile } from "node:fs/promises";
import { expect, somebody, test } from "../support/fixtures.ts";

test("the download is a file with what is known of its owner, and no secret", async ({ visitor, page, server, context }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  await visitor.open("/account/privacy");
  for (let time = 0; time < 2; time++) {
    const started = page.waitForEvent("download");
    await visitor.button("Download my data").click();
    const download = await started;
    expect(download.suggestedFilename()).toBe("account.json");
    const text = await readFile(await download.path(), "utf8");
    const file = JSON.parse(text) as Record<string, Record<string, unknown>[]>;
    expect(file).toMatchObject({
      format: "doorward-export-1",
      site: server.baseURL,
      account: {
        email: person.email,
        username: person.username,
        first_name: person.firstName,
        last_name: person.lastName,
        email_verified_at: null,
        delete_at: null,
      },
      sessions: [{ device: "Chrome on Linux", ip: "127.0.0.1" }],
    });
    const events = ["exported", "logged_in", "registered"];
    expect(file["history"]?.map(({ event }) => event)).toEqual(time === 0 ? events : ["exported", ...events]);
    for (const { value } of await context.cookies()) expect(text.includes(value)).toBe(false);
    expect(text).not.toContain("argon2");
  }
  await expect(page).toHaveURL("/account/privacy");
  await expect(visitor.heading).toHaveText("Privacy");
});

test("who leaves is out everywhere, and until the end can keep the account by signing in", async ({
  visitor,
  page,
  mailbox,
  elsewhere,
  server,
}) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  const other = await elsewhere();
  await other.comesBackAs(person, server.baseURL);
  await other.open("/account");

  await test.step("the button says what it does, and does it", async () => {
    await visitor.open("/account/privacy");
    await expect(page.getByText("For 14 days you can sign in and keep your account")).toBeVisible();
    await visitor.send("/account/privacy/delete");
    await expect(page).toHaveURL("/login?notice=deletion-requested");
    await expect(visitor.notice).toHaveText("Your account will be deleted. Until then you can keep it: sign in.");
    await mailbox.newest(person.email, "will be deleted");
    await other.page.reload();
    await expect(other.page).toHaveURL("/login?next=/account");
  });

  await test.step("signing in leads to the question whether to stay, and nowhere else", async () => {
    await visitor.awake();
    await visitor.signIn(person.email, person.password);
    await expect(page).toHaveURL("/account/restore");
    await expect(visitor.heading).toHaveText("Keep your account?");
    await expect(page.getByText(/Your account will be deleted on \d+ \w+ \d{4}, \d\d:\d\d UTC\./)).toBeVisible();
    for (const path of ["/dashboard", "/account", "/account/security", "/account/privacy"]) {
      await visitor.open(path);
      await expect(page).toHaveURL("/account/restore");
    }
  });

  await test.step("who signs out instead is asked again the next time", async () => {
    await visitor.signOut();
    await visitor.awake();
    await visitor.signIn(person.email, person.password);
    await expect(page).toHaveURL("/account/restore");
  });

  await test.step("who stays finds everything as it was", async () => {
    await visitor.awake();
    await visitor.send("/account/restore");
    await expect(page).toHaveURL("/account?notice=deletion-undone");
    await expect(visitor.notice).toHaveText("Welcome back. Your account stays.");
    await visitor.open("/dashboard");
    await expect(visitor.heading).toHaveText(`Hello, ${person.firstName}`);
    await expect(visitor.fact("email")).toHaveText(person.email);
    await visitor.open("/account/restore");
    await expect(page).toHaveURL("/account");
  });
});
