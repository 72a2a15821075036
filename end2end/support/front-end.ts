// A front end of somebody else: its pages, served from a port of their own. Every path is the one page; scripts read it.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

export type Shape = "s1" | "s2" | "s3" | "s4";

const folder = path.resolve(import.meta.dirname, "../front-ends");
const PORT = 3000;

export class FrontEnd {
  private constructor(private readonly server: HttpServer) {}

  /** The pages of a front end of this shape, on the port that the tutorials use or on another one (0: any). */
  static async launch(shape: Shape, port = PORT): Promise<FrontEnd> {
    const files: Record<string, string> = {
      "/shell.js": "shell.js",
      "/json.js": "json.js",
      "/client.js": `${shape}/client.js`,
    };
    const server = createServer(async (request, response) => {
      const script = files[new URL(request.url ?? "/", "http://localhost").pathname];
      const body = await readFile(path.join(folder, script ?? "index.html"));
      const type = script ? "text/javascript" : "text/html; charset=utf-8";
      response.writeHead(200, { "content-type": type, "cache-control": "no-store" }).end(body);
    });
    server.listen(port, "127.0.0.1");
    // A taken port is an error of its own: the lists of allowed origins name this one.
    await once(server, "listening");
    return new FrontEnd(server);
  }

  /** Its origin under this name of the machine. */
  origin(host: "localhost" | "127.0.0.1" = "localhost"): string {
    return `http://${host}:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = once(this.server, "close");
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}
