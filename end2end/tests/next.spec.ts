// Where signing in leads to: the page that was asked for, and never away from here.

import { expect, somebody, test } from "../support/fixtures.ts";

const HOSTILE = [
  "https://evil.test/",
  "//evil.test/",
  "/\\evil.test",
  "\\\\evil.test",
  "/\t/evil.test",
  "/%2f%2fevil.test",
  "/..//evil.test",
  "javascript:alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "/logout",
  "/login?next=/login",
  "/actions/log_out",
];

test("a page that needs a sign-in is where signing in leads to", async ({ visitor, page, server, context }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  await context.clearCookies();
  await visitor.open("/dashboard");
  await expect(page).toHaveURL("/login?next=/dashboard");
  await visitor.signIn(person.username, person.password);
  await expect(page).toHaveURL("/dashboard");
});

test("a path of ours is kept through a wrong try", async ({ visitor, page, server, context }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  await context.clearCookies();
  await visitor.open(`/login?next=${encodeURIComponent("/?from=mail")}`);
  await visitor.signIn(person.username, "not the password");
  await expect(visitor.alert).toContainText("do not match");
  await visitor.signIn(person.username, person.password);
  await expect(page).toHaveURL("/?from=mail");
  await expect(page.getByRole("link", { name: "Go to your dashboard" })).toBeVisible();
});

test("no address of somebody else is taken, from the query or from the form", async ({ visitor, page, server, context }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  const left: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(server.baseURL)) left.push(request.url());
  });
  for (const [index, next] of HOSTILE.entries()) {
    await test.step(next, async () => {
      await context.clearCookies();
      // Half of them come in the query, half as a form that was tampered with.
      const inQuery = index % 2 === 0;
      await visitor.open(inQuery ? `/login?next=${encodeURIComponent(next)}` : "/login");
      if (!inQuery) {
        await visitor.field("next").first().evaluate((field, value) => ((field as HTMLInputElement).value = value), next);
      }
      await visitor.signIn(person.username, person.password);
      await expect(page).toHaveURL("/dashboard");
    });
  }
  expect(left).toEqual([]);
});

test("who is signed in already is led on by the same rule", async ({ visitor, page, server }) => {
  await visitor.entersAs(somebody(), server.baseURL);
  for (const next of HOSTILE) {
    await page.goto(`/login?next=${encodeURIComponent(next)}`);
    await expect(page).toHaveURL("/dashboard");
  }
  await page.goto("/login?next=/");
  await expect(page).toHaveURL("/");
});
