// What a person does in a page, the same with scripts and without.

import { expect, type Locator, type Page, type Response } from "@playwright/test";
import type { Mailbox } from "./mailbox.ts";
import { type Person, registration, somebody } from "./people.ts";

export class Visitor {
  constructor(
    readonly page: Page,
    /** Whether scripts run in this browser. */
    readonly scripts: boolean,
  ) {}

  /** Opens a page and waits until its form answers to scripts, where they run. */
  async open(path: string): Promise<Response | null> {
    const answer = await this.page.goto(path);
    await this.awake();
    return answer;
  }

  /** Waits until the forms of this page are in the hands of the scripts; without scripts, or a form, there is no wait. */
  async awake(): Promise<void> {
    const asleep = this.page.locator("main form.form[data-function]:not([data-awake])");
    if (this.scripts) await expect(asleep).toHaveCount(0);
  }

  /** Waits until links, too, are in the hands of the scripts, where they run: half a second after the last of them came. */
  async hydrated(): Promise<void> {
    if (!this.scripts) return;
    await this.page.waitForFunction(() => {
      const files = performance.getEntriesByType("resource") as PerformanceResourceTiming[];
      const came = files.find(({ name }) => name.endsWith(".wasm"))?.responseEnd ?? 0;
      return "__hydrateIsland" in window && came > 0 && performance.now() > came + 500;
    });
  }

  /** The field of that name. */
  field(name: string): Locator {
    return this.page.locator(`input[name="${name}"]`);
  }

  /** The place of that field's error. */
  errorOf(name: string): Locator {
    return this.page.locator(`#${name}-error`);
  }

  /** What is said above the form. */
  get alert(): Locator {
    return this.page.getByRole("alert");
  }

  /** The page's main heading. */
  get heading(): Locator {
    return this.page.getByRole("heading", { level: 1 });
  }

  /** What a page was asked to say after something was done. */
  get notice(): Locator {
    return this.page.locator(".notice");
  }

  /** The button that does this. */
  button(name: string): Locator {
    return this.page.getByRole("button", { name, exact: true });
  }

  /** One fact on the dashboard. */
  fact(name: string): Locator {
    return this.page.locator(`[data-fact="${name}"]`).last();
  }

  /** Types into the fields of these names. */
  async fill(values: Record<string, string>): Promise<void> {
    for (const [name, value] of Object.entries(values)) await this.field(name).fill(value);
  }

  /**
   * Presses the button of the page's form, or of the one that posts to `action`, and waits for what comes of it: the next
   * page, or the refusal shown in this one.
   */
  async send(action?: string): Promise<Response> {
    const form = action ? `main form[action="${action}"]` : "main form";
    // The login page asks for what it offers as autofill whenever it likes.
    const isForms = (answer: Response) =>
      answer.request().method() === "POST" && !answer.url().endsWith("/start_passkey_log_in");
    const answered = this.page.waitForResponse(isForms);
    const loaded = this.page.waitForEvent("domcontentloaded");
    // Nobody waits for it where scripts show a refusal in the page that is there.
    loaded.catch(() => undefined);
    await this.page.locator(`${form} [type=submit]`).first().click();
    const answer = await answered;
    const byScript = !answer.request().isNavigationRequest();
    if (byScript && !answer.ok()) await expect(this.page.locator("form[aria-busy]")).toHaveCount(0);
    else await loaded;
    return answer;
  }

  /** Makes an account by the form, which signs in. */
  async register(person: Person): Promise<void> {
    await this.open("/register");
    await this.fill(registration(person));
    await this.send();
    await expect(this.page).toHaveURL("/dashboard");
  }

  /** Signs in by the form of the page that is open. */
  async signIn(identifier: string, password: string): Promise<void> {
    await this.fill({ identifier, password });
    await this.send();
  }

  /** Signs out by the dashboard's button. */
  async signOut(): Promise<void> {
    await this.page.getByRole("button", { name: "Sign out" }).click();
    await expect(this.page).toHaveURL("/login?notice=signed-out");
  }

  /** Makes an account and signs in without a page, for tests that are about something else. */
  async entersAs(person: Person, baseURL: string): Promise<void> {
    await this.post(baseURL, "/register", registration(person));
  }

  /** Somebody new: makes an account, signs in and confirms the address, all without a page. */
  async enters(baseURL: string, mailbox: Mailbox): Promise<Person> {
    const person = somebody();
    await this.entersAs(person, baseURL);
    await this.confirmsBy((await mailbox.newest(person.email, "Confirm your e-mail")).link);
    return person;
  }

  /** Opens one more session in this browser without a page. */
  async comesBackAs(person: Person, baseURL: string): Promise<void> {
    await this.post(baseURL, "/login", { identifier: person.email, password: person.password });
  }

  /** Confirms the address with the mailed link, in the browser that registered, without a page. */
  async confirmsBy(link: string): Promise<void> {
    const { origin, pathname, searchParams } = new URL(link);
    await this.post(origin, pathname, Object.fromEntries(searchParams));
  }

  private async post(baseURL: string, path: string, form: Record<string, string>): Promise<void> {
    const answer = await this.page.request.post(baseURL + path, {
      form,
      headers: { Origin: baseURL },
      maxRedirects: 0,
    });
    if (answer.status() !== 303) throw new Error(`${path} answered ${answer.status()}: ${await answer.text()}`);
  }
}
