// Where a person is signed in: the list, and how it is made shorter.

import { expect, somebody, test, Visitor } from "../support/fixtures.ts";
import { Tab } from "../support/tab.ts";

const END_ONE = "/account/sessions/end";
const END_OTHERS = "/account/sessions/end-others";

/** A row of the list. */
function rows({ page }: Visitor) {
  return page.locator("main ul.rows > li");
}

test("the list names this browser and another, and ends the other one's session", async ({ visitor, elsewhere, server }) => {
  const { page } = visitor;
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  const other = await elsewhere();
  await other.comesBackAs(person, server.baseURL);
  await other.open("/account/security");
  await expect(other.heading).toHaveText("Security");

  await visitor.open("/account/sessions");
  await expect(rows(visitor)).toHaveCount(2);
  const own = rows(visitor).filter({ hasText: "This one" });
  await expect(own).toHaveCount(1);
  await expect(own.getByRole("button")).toHaveCount(0);
  await expect(own).toContainText(/Chrome on Linux.*Last used .* UTC from 127\.0\.0\.1.*First used .* UTC/s);
  const end = page.getByRole("button", { name: "End the session of Chrome on Linux, 127.0.0.1" });
  await expect(end).toHaveText("End", { useInnerText: true });
  await visitor.send(END_ONE);
  await expect(page).toHaveURL("/account/sessions?notice=session-ended");
  await expect(visitor.notice).toHaveText("That session has ended.");
  await expect(rows(visitor)).toHaveCount(1);
  await expect(visitor.button("End all other sessions")).toHaveCount(0);

  await other.page.getByRole("link", { name: "History" }).click();
  await expect(other.page).toHaveURL("/login?next=/account/history");
  await other.awake();
  await other.signIn(person.email, person.password);
  await expect(other.page).toHaveURL("/account/history");
  await expect(other.heading).toHaveText("History");
});

test("the page of a session that was ended notices when somebody comes back to it", async ({ visitor, elsewhere, server }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  await visitor.open("/account/sessions");
  const others: Visitor[] = [];
  for (const path of ["/dashboard", "/account/security"]) {
    const other = await elsewhere();
    await other.comesBackAs(person, server.baseURL);
    await other.open(path);
    if (other.scripts && path === "/dashboard") await new Tab(other.page).listens();
    others.push(other);
  }
  await visitor.page.reload();
  await visitor.awake();
  await visitor.send(END_OTHERS);
  await expect(visitor.notice).toHaveText("All other sessions have ended.");
  for (const [index, path] of ["/dashboard", "/account/security"].entries()) {
    const { page, scripts } = others[index] as Visitor;
    // Without scripts nothing happens before the next step.
    if (scripts) await new Tab(page).comesBack();
    else await page.reload();
    await expect(page).toHaveURL(`/login?next=${path}`);
    await expect(page.locator("body")).not.toContainText(person.email);
  }
  await visitor.page.reload();
  await expect(visitor.heading).toHaveText("Sessions");
});

test("ending a session that has ended meanwhile is told in words about sessions", async ({ visitor, elsewhere, server }) => {
  const person = somebody();
  await visitor.entersAs(person, server.baseURL);
  const other = await elsewhere();
  await other.comesBackAs(person, server.baseURL);
  await visitor.open("/account/sessions");
  await other.open("/dashboard");
  await other.signOut();
  await visitor.send(END_ONE);
  await expect(visitor.alert.or(visitor.notice)).toContainText(/session/i);
  await expect(visitor.heading).toHaveText("Sessions");
  await visitor.open("/account/sessions");
  await expect(rows(visitor)).toHaveCount(1);
});

test("a form whose session has ended meanwhile leads to signing in and shows nothing more of the person", async ({
  visitor,
  page,
  server,
}) => {
  const person = somebody();
  for (const [path, action, field] of [
    ["/account", "/account/profile", "first_name"],
    ["/account/security", "/account/security/email", "email"],
    ["/account/privacy", "/account/privacy/delete", ""],
  ] as const) {
    if (path === "/account") await visitor.entersAs(person, server.baseURL);
    else await visitor.comesBackAs(person, server.baseURL);
    await visitor.open(path);
    if (field) await visitor.fill({ [field]: "lisa@example.test" });
    await page.context().clearCookies();
    await visitor.send(action);
    await expect(page.getByRole("link", { name: "Sign in" }).or(visitor.button("Sign in")).first()).toBeVisible();
    await expect(page.locator("body")).not.toContainText(person.email);
    await expect(page.getByText("deleted for good")).toHaveCount(0);
  }
});
