// One tab of the dashboard, with scripts: what it asks the server, and the moments that make it ask.

import { expect, type Page, type Request } from "@playwright/test";

export const CALM = "This is what we know of you.";
export const OFFLINE = "You are offline. You are still signed in.";

export class Tab {
  /** Every answer of a server function to this tab, as `name status`, in order. */
  readonly calls: string[] = [];

  private asked = 0;
  private settled = 0;

  constructor(readonly page: Page) {
    const concerns = (request: Request) => request.url().includes("/actions/");
    page.on("request", (request) => (this.asked += concerns(request) ? 1 : 0));
    for (const end of ["requestfinished", "requestfailed"] as const) {
      page.on(end as "requestfinished", (request) => (this.settled += concerns(request) ? 1 : 0));
    }
    page.on("response", (answer) => {
      const name = /\/actions\/(\w+)$/.exec(answer.url())?.[1];
      if (name) this.calls.push(`${name} ${answer.status()}`);
    });
  }

  /** What the card says of the connection. */
  get status() {
    return this.page.locator("section.card [role=status]");
  }

  /** Opens the dashboard and waits until its card listens: until it has asked for the account once. */
  async open(): Promise<void> {
    await this.page.goto("/dashboard");
    await this.listens();
  }

  /** Waits until the card of the page that is open listens, and forgets the calls that took. */
  async listens(): Promise<void> {
    await expect(async () => {
      const asked = this.page.waitForRequest("**/actions/*", { timeout: 500 });
      await Promise.all([asked, this.comesBack()]);
    }).toPass({ intervals: [10], timeout: 60_000 });
    await expect.poll(() => this.calls.at(-1)).toBe("current_account 200");
    await this.isQuiet();
    this.calls.length = 0;
  }

  /** The person comes back to this tab. */
  async comesBack(times = 1): Promise<void> {
    await this.page.evaluate((times) => {
      for (let i = 0; i < times; i++) document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    }, times);
  }

  /** The person comes back, and the card has been read again when this returns: what was put there is gone. */
  async rereads(): Promise<void> {
    await this.stale();
    await this.comesBack();
    await expect(this.page.locator("[data-fact=email]")).not.toHaveText("stale");
    await expect(this.status).toHaveText(CALM);
  }

  /** Puts something else where the e-mail address stands, so that a reading shows. */
  async stale(): Promise<void> {
    await this.page.locator("[data-fact=email]").evaluate((place) => (place.textContent = "stale"));
  }

  /** Waits until every question that this tab asked is answered. */
  async isQuiet(): Promise<void> {
    await expect.poll(() => this.asked - this.settled).toBe(0);
  }

  /** Everything that scripts of this origin can find: storage, cookies, the document, other stores. */
  async withinReach(): Promise<string> {
    return this.page.evaluate(async () => {
      const stores = await indexedDB.databases();
      const caches = await window.caches.keys();
      const globals = Object.entries(window).filter(([, value]) => typeof value === "string");
      const storage = [localStorage, sessionStorage].map((store) => Object.entries(store));
      return JSON.stringify([storage, document.cookie, history.state, stores, caches, globals, document.documentElement.outerHTML]);
    });
  }
}
