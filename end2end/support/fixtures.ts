// What specs import instead of Playwright's own `test`.

import { test as base } from "@playwright/test";
import { Mailbox } from "./mailbox.ts";
import { Server, type Variables } from "./server.ts";

export { expect } from "@playwright/test";
export { Mailbox, type Mail } from "./mailbox.ts";
export { Server, pause, type Variables } from "./server.ts";

export interface ServerOptions {
  /** Settings of this file's server, for example `test.use({ serverEnv: { DOORWARD__TOKEN__ACCESS_LIFETIME: "2" } })`. */
  serverEnv: Variables;
}

interface OfWorker extends ServerOptions {
  /** The server that this worker's tests share. */
  server: Server;
}

interface OfTest {
  /** The mails of that server. */
  mailbox: Mailbox;
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

  baseURL: async ({ server }, use) => {
    await use(server.baseURL);
  },

  mailbox: async ({ playwright, server }, use) => {
    // A context of its own: reading mails must not touch the cookies of the person under test.
    const request = await playwright.request.newContext({ baseURL: server.baseURL });
    await use(new Mailbox(request));
    await request.dispose();
  },
});
