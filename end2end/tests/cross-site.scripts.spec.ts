// Pages of others: a form that sends itself to us from another site, and from another port of our own host. Both carry
// what the browser lets them carry; neither changes anything.

import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, somebody, test } from "../support/fixtures.ts";

const PATHS = [
  "/register",
  "/login",
  "/logout",
  "/reset-password",
  "/reset-confirmation",
  "/actions/register",
  "/actions/log_in",
  "/actions/log_out",
  "/actions/refresh",
  "/actions/request_password_reset",
  "/actions/confirm_password_reset",
];

/** A page that sends a form to `target` as soon as it is opened. */
function attacker(target: string, fields: Record<string, string>): Promise<HttpServer> {
  const inputs = Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${value}">`);
  const page = `<form method="post" action="${target}">${inputs.join("")}</form><script>document.forms[0].submit()</script>`;
  const server = createServer((_, response) => response.setHeader("content-type", "text/html").end(page));
  return new Promise((resolve) => server.listen(0, () => resolve(server)));
}

for (const [host, what] of [
  ["127.0.0.1", "another site"],
  ["localhost", "another port of our host"],
] as const) {
  test(`a form that sends itself from ${what} is refused at every door`, async ({ visitor, page, server }) => {
    const person = somebody();
    await visitor.entersAs(person, server.baseURL);
    const fields = { identifier: person.username, password: person.password, email: person.email };
    for (const path of PATHS) {
      const evil = await attacker(`${server.baseURL}${path}`, fields);
      const answer = page.waitForResponse((response) => new URL(response.url()).pathname === path);
      // The form may be on its way before the page counts as opened.
      await page.goto(`http://${host}:${(evil.address() as AddressInfo).port}/`).catch(() => {});
      const { status, headers } = await answer.then((r) => ({ status: r.status(), headers: r.headers() }));
      expect({ path, status, cookie: headers["set-cookie"] }).toEqual({ path, status: 403, cookie: undefined });
      await page.waitForLoadState();
      await new Promise((closed) => evil.close(closed).closeAllConnections());
    }
    await visitor.open("/dashboard");
    await expect(visitor.fact("username"), "still signed in").toHaveText(person.username);
  });
}
