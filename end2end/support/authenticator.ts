// A fingerprint reader that is built into the browser: Chromium's virtual authenticator, by the DevTools protocol.

import type { CDPSession, Page } from "@playwright/test";

/** A passkey as the protocol gives it out, private key and all. */
export interface Credential {
  readonly credentialId: string;
  readonly isResidentCredential: boolean;
  readonly rpId?: string;
  readonly privateKey: string;
  readonly userHandle?: string;
  readonly signCount: number;
}

export class Authenticator {
  private constructor(
    private readonly session: CDPSession,
    private readonly authenticatorId: string,
  ) {}

  /** One for this page; it keeps its passkeys for as long as the page is open. */
  static async for(page: Page): Promise<Authenticator> {
    const session = await page.context().newCDPSession(page);
    await session.send("WebAuthn.enable");
    const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    return new Authenticator(session, authenticatorId);
  }

  /** Whether a person touches it as soon as it is asked. */
  async isTouched(enabled: boolean): Promise<void> {
    await this.session.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId: this.authenticatorId, enabled });
  }

  /** Whether the fingerprint is its owner's. */
  async knowsItsOwner(isUserVerified: boolean): Promise<void> {
    await this.session.send("WebAuthn.setUserVerified", { authenticatorId: this.authenticatorId, isUserVerified });
  }

  /** The passkeys that it keeps. */
  async passkeys(): Promise<Credential[]> {
    const all = await this.session.send("WebAuthn.getCredentials", { authenticatorId: this.authenticatorId });
    return all.credentials as Credential[];
  }

  /** Puts a passkey in, in place of the one with the same id. */
  async keep(credential: Credential): Promise<void> {
    const { credentialId } = credential;
    for (const known of await this.passkeys()) {
      if (known.credentialId === credentialId) {
        await this.session.send("WebAuthn.removeCredential", { authenticatorId: this.authenticatorId, credentialId });
      }
    }
    await this.session.send("WebAuthn.addCredential", { authenticatorId: this.authenticatorId, credential });
  }
}
