// The mails that a server sent, read from its development mailbox as a person would read them.

import { pause } from "./server.ts";

export interface Mail {
  /** Its page, below `/dev/mailbox/`. */
  readonly path: string;
  /** All text of its page: headers and text part. */
  readonly text: string;
  /** The link that carries a secret, or an empty text. */
  readonly link: string;
  /** The code that stands on a line of its own in two halves, put together; what one would type. */
  readonly code: string | undefined;
}

const MAILBOX = "/dev/mailbox";
const WAIT_MILLISECONDS = 10_000;

export class Mailbox {
  /** The mailbox of the server at this address. It is read apart from the cookies of the people under test. */
  constructor(private readonly baseURL: string) {}

  /** The newest mail that mentions all of these: an address, words of the subject. Waits until it is there. */
  async newest(...mentions: string[]): Promise<Mail> {
    const deadline = Date.now() + WAIT_MILLISECONDS;
    for (;;) {
      const [mail] = await this.find(mentions, 1);
      if (mail) return mail;
      if (Date.now() > deadline) throw new Error(`no mail mentions ${mentions.join(" and ")}`);
      await pause(100);
    }
  }

  /** All mails of now that mention all of these, newest first. Does not wait. */
  async all(...mentions: string[]): Promise<Mail[]> {
    return this.find(mentions, Number.POSITIVE_INFINITY);
  }

  private async find(mentions: string[], limit: number): Promise<Mail[]> {
    const list = await this.html(MAILBOX);
    const paths = [...list.matchAll(/href="(\/dev\/mailbox\/[^"]+)"/g)].map((match) => decoded(match[1] ?? ""));
    const found: Mail[] = [];
    for (const path of new Set(paths)) {
      const mail = read(path, await this.html(path));
      if (mentions.every((mention) => mail.text.includes(mention))) found.push(mail);
      if (found.length >= limit) break;
    }
    return found;
  }

  private async html(path: string): Promise<string> {
    const answer = await fetch(this.baseURL + path);
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    return answer.text();
  }
}

function read(path: string, html: string): Mail {
  const part = decoded(/<(pre|article)\b[^>]*>([\s\S]*?)<\/\1>/.exec(html)?.[2] ?? "");
  return {
    path,
    text: decoded(html),
    link: /https?:\/\/[^\s<>"]+token=[^\s<>"]+/.exec(part)?.[0] ?? "",
    code: /^\s*(\d{4}) ?(\d{4})\s*$/m.exec(part)?.slice(1).join(""),
  };
}

/** The text of HTML: without tags, with the escapes that a server writes undone. */
function decoded(html: string): string {
  const escapes: Record<string, string> = { lt: "<", gt: ">", quot: '"', "#39": "'", "#x27": "'", "#x2F": "/", amp: "&" };
  return html
    .replace(/<[^>]*>/g, "")
    .replace(/&(lt|gt|quot|#39|#x27|#x2F|amp);/g, (whole, name: string) => escapes[name] ?? whole);
}
