// What specs import instead of Playwright's own `test`.

import { type Page, test as base } from "@playwright/test";
import { Mailbox } from "./mailbox.ts";
import { Server, type Variables } from "./server.ts";
import { Visitor } from "./visitor.ts";

export { expect, type Page } from "@playwright/test";
export { Mailbox, type Mail } from "./mailbox.ts";
export { goodPassword, type Person, registration, somebody } from "./people.ts";
export { door, Server, pause, type Variables } from "./server.ts";
export { Visitor } from "./visitor.ts";

export interface ServerOptions {
  /** Settings of this file's server, for example `test.use({ serverEnv: { DOORWARD__TOKEN__ACCESS_LIFETIME: "2" } })`. */
  serverEnv: Variables;
}

interface OfWorker extends ServerOptions {
  /** The server that this worker's tests share. Another worker has another, so a test may restart it. */
  server: Server;
}

interface OfTest {
  /** What the server wrote, kept with a test that failed. */
  serverLog: void;
  /** The mails of that server. */
  mailbox: Mailbox;
  /** Whoever sits before the test's page. */
  visitor: Visitor;
  /** A browser of somebody else: cookies, storage and tabs of its own, scripts as in this project. */
  elsewhere: (baseURL?: string) => Promise<Visitor>;
  /** A further server for one test, with these settings; it ends with the test. */
  launch: (variables: Variables) => Promise<Server>;
}

export const test = base.extend<OfTest, OfWorker>({
  serverEnv: [{}, { option: true, scope: "worker" }],

  server: [
    async ({ serverEnv }, use) => {
      const server = await Server.launch(serverEnv);
      await use(server);
      await server.dispose();
    },
    { scope: "worker", timeout: 60_000 },
  ],

  serverLog: [
    async ({ server }, use, test) => {
      const from = server.log.length;
      await use();
      if (test.status !== test.expectedStatus) await test.attach("server.log", { body: server.log.slice(from) });
    },
    { auto: true },
  ],

  baseURL: async ({ server }, use) => {
    await server.start();
    await use(server.baseURL);
  },

  mailbox: async ({ server }, use) => use(new Mailbox(server.baseURL)),

  visitor: async ({ page, javaScriptEnabled }, use) => {
    await use(new Visitor(page, javaScriptEnabled !== false));
  },

  elsewhere: async ({ browser, server, javaScriptEnabled }, use) => {
    const pages: Page[] = [];
    await use(async (baseURL = server.baseURL) => {
      const context = await browser.newContext({ baseURL, javaScriptEnabled, locale: "en-GB" });
      const page = await context.newPage();
      pages.push(page);
      return new Visitor(page, javaScriptEnabled !== false);
    });
    for (const page of pages) await page.context().close();
  },

  launch: async ({}, use) => {
    const servers: Server[] = [];
    await use(async (variables) => {
      const server = await Server.launch(variables);
      servers.push(server);
      return server;
    });
    for (const server of servers) await server.dispose();
  },
});
