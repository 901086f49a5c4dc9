import type { Duplex } from "node:stream";
import type { ServerCore } from "../server-core.js";
import { systemText } from "../system-text.js";
import type { Endpoints } from "./connection.js";
import type { Listening, ListenOptions } from "./transport.js";

/** The listening ends of a server: one per address of `bind`, and one unix socket. */
export class Listener {
  #listening: Listening[] = [];
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
        for (const address of config.text("bind").split(" ")) if (address !== "") await this.#openTcp(address);
      }
      const path = config.text("unixsocket");
      if (path !== "") await this.#listen({ path, mode: config.number("unixsocketperm") });
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const listening = this.#listening;
    this.#listening = [];
    await Promise.all(listening.map((one) => one.close()));
  }

  /** `bind` or `port` was changed: listens there, existing connections stay. Why that can't be, or null. */
  async move(): Promise<string | null> {
    if (this.#listening.length === 0) return null;
    const all = this.#listening;
    // A unix socket, which has no port, stays where it is.
    const old = all.filter((one) => one.port !== 0);
    const oldPort = this.#port;
    const port = this.core.config.number("port");
    const moved = port !== oldPort && !(this.core.ephemeralPort && port === 0);
    // On the same port the old socket would be in the way of the new one.
    if (!moved) for (const one of old) void one.close();
    this.#listening = [];
    if (moved) this.#port = 0;
    try {
      if (!moved || port !== 0) {
        for (const address of this.core.config.text("bind").split(" "))
          if (address !== "") await this.#openTcp(address);
      }
    } catch (error) {
      for (const one of this.#listening) void one.close();
      this.#listening = moved ? all : all.filter((one) => one.port === 0);
      this.#port = oldPort;
      this.core.log("warning", `Failed listening anew: ${systemText(error)}`);
      return moved ? "Unable to listen on this port. Check server logs." : "Failed to bind to specified addresses.";
    }
    if (moved) for (const one of old) void one.close();
    this.#listening.push(...all.filter((one) => one.port === 0));
    return null;
  }

  async #openTcp(address: string): Promise<void> {
    const optional = address.startsWith("-");
    const name = optional ? address.slice(1) : address;
    // Redis's `*` is all of IPv4, its `::*` all of IPv6.
    const host = name === "*" ? "0.0.0.0" : name === "::*" ? "::" : name;
    const port = this.#port !== 0 ? this.#port : this.core.config.number("port");
    const backlog = this.core.config.number("tcp-backlog");
    try {
      this.#port = await this.#listen({ host, port, backlog, ipv6Only: host === "::" });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (!optional || (code !== "EADDRNOTAVAIL" && code !== "EAFNOSUPPORT" && code !== "ENOTFOUND")) throw error;
    }
  }

  async #listen(options: ListenOptions): Promise<number> {
    const listening = await this.core.transport.listen(options, {
      accepted: (stream, endpoints) => this.#accept(stream, endpoints),
      failed: (error) => this.core.log("warning", `Accepting client connection: ${error.message}`),
    });
    this.#listening.push(listening);
    return listening.port;
  }

  #accept(stream: Duplex & { setKeepAlive?: (on: boolean, ms: number) => void }, endpoints: Endpoints): void {
    const keepAliveS = this.core.config.number("tcp-keepalive");
    if (endpoints.unixPath === undefined && keepAliveS > 0) stream.setKeepAlive?.(true, keepAliveS * 1000);
    this.core.accept(stream, endpoints);
  }
}
