// A Doorward of one's own: the release build on a free port, with a database, keys and mails that nobody else sees.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

/** Environment variables laid over those that the harness sets. */
export type Variables = Readonly<Record<string, string>>;

const repository = path.resolve(import.meta.dirname, "../..");
/** Another build than the release build is named by these two, for quick work on the specs. */
const binary = path.resolve(
  repository,
  process.env.END2END_BINARY ?? path.join(process.env.CARGO_TARGET_DIR ?? "target", "release/doorward"),
);
/** The release build has its site inside; another one is told where it is. */
const site: Variables = process.env.END2END_SITE
  ? { LEPTOS_SITE_ROOT: path.resolve(repository, process.env.END2END_SITE), LEPTOS_HASH_FILES: "true" }
  : {};
const START_MILLISECONDS = 20_000;
const STOP_MILLISECONDS = 15_000;

/** No limit, for each of them. */
export const unthrottled: Variables = Object.fromEntries(
  [
    "LOGIN_NAME",
    "LOGIN_NAME_TOTAL",
    "LOGIN_FAILURES",
    "LOGIN_FAILURES_TOTAL",
    "LOGIN",
    "REGISTER",
    "MAIL",
    "MAIL_TOTAL",
    "MAIL_TO",
    "PROOF",
    "PROOF_ACCOUNT",
    "PASSWORD",
    "USERNAME",
    "REFRESH",
    "PROFILE",
    "FACTOR",
    "FACTOR_TOTAL",
    "CEREMONY",
  ].map((limit) => [`DOORWARD__THROTTLE__${limit}`, "off"]),
);

export class Server {
  /** Where it answers: scheme, host and port. */
  readonly baseURL: string;
  /** Everything it has written to its log since it was created, over all restarts. */
  log = "";

  private child: ChildProcess | undefined;
  private variables: Variables;

  private constructor(
    private readonly port: number,
    private readonly folder: string,
    variables: Variables,
  ) {
    this.baseURL = `http://localhost:${port}`;
    this.variables = variables;
  }

  /** A running server with an empty database, on a free port unless this one is wanted. */
  static async launch(variables: Variables = {}, port?: number): Promise<Server> {
    const folder = await mkdtemp(path.join(tmpdir(), "doorward-end2end-"));
    const server = new Server(port ?? (await freePort()), folder, variables);
    await server.start();
    return server;
  }

  /** Starts it on what it left behind; does nothing if it runs. */
  async start(): Promise<void> {
    if (this.child) return;
    const child = spawn(binary, {
      cwd: repository,
      env: { ...process.env, ...this.settings(), ...this.variables },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    let failure: string | undefined;
    child.once("error", (error) => (failure = error.message));
    child.once("exit", (code, signal) => {
      failure = `it ended with ${code ?? signal}`;
      this.log += `\n(${failure})\n`;
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (this.log += text));
    }
    // Without this a runner that is ended by force leaves its server behind.
    const end = () => child.kill("SIGKILL");
    process.once("exit", end);
    child.once("exit", () => process.off("exit", end));

    const deadline = Date.now() + START_MILLISECONDS;
    while (!(await this.answers())) {
      if (failure || Date.now() > deadline) {
        await this.kill();
        throw new Error(`The server did not start: ${failure ?? "no answer in time"}\n${this.log}`);
      }
      await pause(50);
    }
  }

  /** Asks it to stop, as a supervisor does, and waits until it has. */
  async stop(): Promise<void> {
    await this.end("SIGTERM");
  }

  /** Ends it at once, as a power failure does. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** Stops and starts it on the same data; `variables`, if given, replace those it was launched with. */
  async restart(variables: Variables = this.variables): Promise<void> {
    await this.stop();
    this.variables = variables;
    await this.start();
  }

  /** Makes every file of its database unreadable while it runs, as a dying disk does. */
  async spoilDatabase(): Promise<void> {
    for (const end of ["", "-wal"]) {
      const file = path.join(this.folder, `doorward.db${end}`);
      const { size } = await stat(file);
      // In place: the server holds these files open.
      const handle = await open(file, "r+");
      await handle.write(Buffer.alloc(size, 0x55), 0, size, 0);
      await handle.close();
    }
  }

  /** Ends it and forgets its data. */
  async dispose(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  private settings(): Variables {
    return {
      LEPTOS_SITE_ADDR: `127.0.0.1:${this.port}`,
      LEPTOS_ENV: "PROD",
      ...site,
      DOORWARD__SERVER__PUBLIC_URL: this.baseURL,
      DOORWARD__DATABASE__URL: `sqlite:${path.join(this.folder, "doorward.db")}`,
      DOORWARD__KEYS__FILE: path.join(this.folder, "keys.json"),
      DOORWARD__MAIL__FOLDER: path.join(this.folder, "mail"),
      DOORWARD__MAIL__TRANSPORT: "mailbox",
      DOORWARD__MAIL__POLL: "1",
      // All of them come from one address. Specs about throttles launch servers with limits of their own.
      ...unthrottled,
    };
  }

  private async answers(): Promise<boolean> {
    try {
      return (await fetch(`${this.baseURL}/healthz`)).ok;
    } catch {
      return false;
    }
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    const impatience = setTimeout(() => child.kill("SIGKILL"), STOP_MILLISECONDS);
    child.kill(signal);
    await ended;
    clearTimeout(impatience);
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** A door that is held until somebody opens it, for answers that are to come at a chosen moment. */
export function door(): { opened: Promise<void>; open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("a free port was not to be had");
  return address.port;
}
