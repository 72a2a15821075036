// An authenticator app for tests (RFC 6238, SHA-1, six digits, 30 seconds).

import { createHmac } from "node:crypto";
import { expect } from "@playwright/test";
import { pause } from "./server.ts";
import type { Visitor } from "./visitor.ts";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const STEP_MILLISECONDS = 30_000;

export class App {
  private readonly key: Buffer;
  private lastStep = 0;

  /** The app that holds this secret: base32, with blanks wherever somebody put them. */
  constructor(secret: string) {
    const bits = [...secret.replaceAll(/\s/g, "")].map((letter) => LETTERS.indexOf(letter).toString(2).padStart(5, "0"));
    this.key = Buffer.from((bits.join("").match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  }

  /** A code that was not taken before. The server takes that of the next step as well, so a test need not wait for one. */
  async code(): Promise<string> {
    for (;;) {
      const now = Math.floor(Date.now() / STEP_MILLISECONDS);
      const step = Math.max(now, this.lastStep + 1);
      if (step <= now + 1) {
        this.lastStep = step;
        return this.at(step);
      }
      await pause(500);
    }
  }

  /** A code that is none of now, nor of the steps around it. */
  wrongCode(): string {
    return this.at(Math.floor(Date.now() / STEP_MILLISECONDS) - 1000);
  }

  private at(step: number): string {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const digest = createHmac("sha1", this.key).update(counter).digest();
    const offset = (digest.at(-1) ?? 0) & 15;
    return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
  }
}

/** The app that holds the secret which the page shows. */
export async function scanned({ page }: Visitor): Promise<App> {
  const picture = page.getByRole("img", { name: /QR code/ });
  await expect(picture).toBeVisible();
  await page.getByText("You cannot scan it?").click();
  const secret = page.locator(".secret-text code");
  await expect(secret).toBeVisible();
  return new App(await secret.innerText());
}
