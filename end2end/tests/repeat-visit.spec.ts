// Who comes back fetches the page alone: everything else has its hash in its name and is kept for ever.

import { expect, type Page, test } from "../support/fixtures.ts";
import { Visitor } from "../support/visitor.ts";

/**
 * What a page has asked the server for; whether it was kept from before is told by the browser's own protocol only. Its
 * events about one request come in any order.
 */
class Traffic {
  private readonly asked = new Map<string, string>();
  private readonly answered = new Set<string>();
  private readonly kept = new Set<string>();
  private readonly unchanged = new Set<string>();

  static async of(page: Page): Promise<Traffic> {
    const traffic = new Traffic();
    const browser = await page.context().newCDPSession(page);
    browser.on("Network.requestWillBeSent", ({ requestId, request: { method, url } }) => {
      traffic.asked.set(requestId, `${method} ${new URL(url).pathname}`);
    });
    browser.on("Network.responseReceived", ({ requestId, response }) => {
      traffic.answered.add(requestId);
      if (response.fromDiskCache || response.fromPrefetchCache) traffic.kept.add(requestId);
    });
    browser.on("Network.requestServedFromCache", ({ requestId }) => traffic.kept.add(requestId));
    browser.on("Network.responseReceivedExtraInfo", ({ requestId, statusCode }) => {
      if (statusCode === 304) traffic.unchanged.add(requestId);
    });
    await browser.send("Network.enable");
    return traffic;
  }

  /** What came from the server. */
  get transferred(): string[] {
    return this.where((id) => this.answered.has(id) && !this.kept.has(id) && !this.unchanged.has(id));
  }

  /** What the browser had, and asked about. */
  get askedAbout(): string[] {
    return this.where((id) => this.unchanged.has(id));
  }

  private where(condition: (id: string) => boolean): string[] {
    return [...this.asked].filter(([id]) => condition(id)).map(([, path]) => path);
  }
}

test("a second visit to the login page transfers its HTML and no file", async ({ visitor, page, context }) => {
  const first = await Traffic.of(page);
  await visitor.open("/login");
  await visitor.hydrated();
  const kinds = first.transferred.map((path) => /\.(\w+)$/.exec(path)?.[1] ?? "page");
  expect(kinds).toEqual(expect.arrayContaining(visitor.scripts ? ["page", "css", "js", "wasm"] : ["page", "css"]));

  // Another tab, so that nothing is left in memory of the first one's document.
  const again = await context.newPage();
  const second = await Traffic.of(again);
  const visitorAgain = new Visitor(again, visitor.scripts);
  await visitorAgain.open("/login");
  await visitorAgain.hydrated();
  // A passkey is offered by a question of the script, at each visit; that is no file.
  const files = second.transferred.filter((path) => !path.endsWith("/start_passkey_log_in"));
  expect(files).toEqual(["GET /login"]);
  expect(second.askedAbout).toEqual([]);
});
