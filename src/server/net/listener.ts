import { chmodSync, unlinkSync } from "node:fs";
import type { Server, Socket } from "node:net";
import { createServer } from "node:net";
import type { ServerCore } from "../server-core.js";

/** The listening sockets of a server: one per address of `bind`, and one unix socket. */
export class Listener {
  #servers: Server[] = [];
  #port = 0;

  constructor(private readonly core: ServerCore) {}

  get port(): number {
    return this.#port;
  }

  /** Opens them all; if one fails, none stays open. With port 0 in the API the system chooses once; later opens keep it. */
  async open(): Promise<void> {
    const { config } = this.core;
    const wantsTcp = this.core.ephemeralPort || config.number("port") !== 0;
    try {
      if (wantsTcp) {
        for (const address of config.text("bind").split(" ")) await this.#openTcp(address);
      }
      const path = config.text("unixsocket");
      if (path !== "") await this.#openUnix(path);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const servers = this.#servers;
    this.#servers = [];
    await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
  }

  async #openTcp(address: string): Promise<void> {
    const optional = address.startsWith("-");
    const name = optional ? address.slice(1) : address;
    // Redis's `*` is all of IPv4, its `::*` all of IPv6.
    const host = name === "*" ? "0.0.0.0" : name === "::*" ? "::" : name;
    const port = this.#port !== 0 ? this.#port : this.core.config.number("port");
    try {
      const server = await this.#listen({
        host,
        port,
        backlog: this.core.config.number("tcp-backlog"),
        ipv6Only: host === "::",
      });
      const bound = server.address();
      if (bound !== null && typeof bound === "object") this.#port = bound.port;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (!optional || (code !== "EADDRNOTAVAIL" && code !== "EAFNOSUPPORT" && code !== "ENOTFOUND")) throw error;
    }
  }

  async #openUnix(path: string): Promise<void> {
    try {
      unlinkSync(path);
    } catch {
      // It wasn't there.
    }
    await this.#listen({ path });
    const mode = this.core.config.number("unixsocketperm");
    if (mode !== 0) chmodSync(path, mode);
  }

  #listen(options: {
    host?: string;
    port?: number;
    path?: string;
    backlog?: number;
    ipv6Only?: boolean;
  }): Promise<Server> {
    const server = createServer({ noDelay: true, allowHalfOpen: false }, (socket) =>
      this.#accept(socket, options.path),
    );
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(options, () => {
        server.removeListener("error", reject);
        server.on("error", (error) => this.core.log("warning", `Accepting client connection: ${error.message}`));
        this.#servers.push(server);
        resolve(server);
      });
    });
  }

  #accept(socket: Socket, unixPath: string | undefined): void {
    const peer = { host: socket.remoteAddress ?? unixPath ?? "", port: socket.remotePort ?? 0 };
    const local = { host: socket.localAddress ?? unixPath ?? "", port: socket.localPort ?? 0 };
    const keepAliveS = this.core.config.number("tcp-keepalive");
    if (unixPath === undefined && keepAliveS > 0) socket.setKeepAlive(true, keepAliveS * 1000);
    this.core.accept(socket, unixPath === undefined ? { peer, local } : { peer, local, unixPath });
  }
}
