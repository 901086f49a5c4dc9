import type { Duplex } from "node:stream";
import type { ServerCore } from "../server-core.js";
import { systemText } from "../system-text.js";
import type { Endpoints } from "./connection.js";
import { TLS_UPDATE_FAILED } from "./tls.js";
import type { Listening, ListenOptions } from "./transport.js";

const CANT_LISTEN = "Unable to listen on this port. Check server logs.";
const CANT_BIND = "Failed to bind to specified addresses.";

const DIRECTIVE = { tcp: "port", tls: "tls-port" } as const;

/** What is listened on: one end per address of `bind` on each port, and one unix socket. */
type Kind = "tcp" | "tls" | "unix";

/** The listening ends of a server. */
export class Listener {
  readonly #listening = new Map<Kind, Listening[]>();
  readonly #ports = { tcp: 0, tls: 0 };

  #open = false;

  constructor(private readonly core: ServerCore) {
    const { config } = core;
    config.setApplier(["port"], () => this.#move("tcp", CANT_LISTEN));
    config.setApplier(["tls-port"], () => this.#move("tls", CANT_LISTEN));
    config.setApplier(["bind"], async () => (await this.#move("tcp", CANT_BIND)) ?? this.#move("tls", CANT_BIND));
  }

  /** The port without TLS; 0 = none. */
  get port(): number {
    return this.#ports.tcp;
  }

  get tlsPort(): number {
    return this.#ports.tls;
  }

  /** Opens them all; if one fails, none stays open. With port 0 in the API the system chooses once; later opens keep it. */
  async open(): Promise<void> {
    const { config, tls } = this.core;
    if (this.#wants("tls") || config.flag("tls-replication")) tls.ensure();
    try {
      for (const kind of ["tcp", "tls"] as const) if (this.#wants(kind)) await this.#openPort(kind);
      const path = config.text("unixsocket");
      if (path !== "") await this.#listen("unix", { path, mode: config.number("unixsocketperm") });
      this.#open = true;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#open = false;
    await Promise.all((["tcp", "tls", "unix"] as const).map((kind) => this.#close(kind)));
  }

  /** A port that the API leaves to the system, or one that the config names. */
  #wants(kind: "tcp" | "tls"): boolean {
    const { config, ephemeralPort } = this.core;
    return ephemeralPort === kind || config.number(DIRECTIVE[kind]) !== 0;
  }

  /** `bind` or a port was changed: listens there, existing connections stay. Why that can't be, or null. */
  async #move(kind: "tcp" | "tls", failure: string): Promise<string | null> {
    const { config, ephemeralPort, tls, log } = this.core;
    const oldPort = this.#ports[kind];
    const port = config.number(DIRECTIVE[kind]);
    const moved = port !== oldPort && !(ephemeralPort === kind && port === 0);
    if (!this.#open || (oldPort === 0 && !moved)) return null;
    if (kind === "tls" && port !== 0 && !tls.configure()) return TLS_UPDATE_FAILED;
    const old = this.#listening.get(kind) ?? [];
    // On the same port the old socket would be in the way of the new one. Nobody waits for a close: it would wait for the
    // end of the connections that came that way, perhaps of the one that asks.
    if (!moved) for (const one of old) void one.close();
    this.#listening.delete(kind);
    if (moved) this.#ports[kind] = 0;
    try {
      if (!moved || port !== 0) await this.#openPort(kind);
    } catch (error) {
      for (const one of this.#listening.get(kind) ?? []) void one.close();
      this.#listening.set(kind, moved ? old : []);
      this.#ports[kind] = oldPort;
      log("warning", `Failed listening anew: ${systemText(error)}`);
      return failure;
    }
    if (moved) for (const one of old) void one.close();
    return null;
  }

  async #openPort(kind: "tcp" | "tls"): Promise<void> {
    for (const address of this.core.config.text("bind").split(" ")) {
      if (address !== "") await this.#openAddress(kind, address);
    }
  }

  async #close(kind: Kind): Promise<void> {
    const listening = this.#listening.get(kind) ?? [];
    this.#listening.delete(kind);
    await Promise.all(listening.map((one) => one.close()));
  }

  async #openAddress(kind: "tcp" | "tls", address: string): Promise<void> {
    const optional = address.startsWith("-");
    const name = optional ? address.slice(1) : address;
    // Redis's `*` is all of IPv4, its `::*` all of IPv6.
    const host = name === "*" ? "0.0.0.0" : name === "::*" ? "::" : name;
    const { config } = this.core;
    const port = this.#ports[kind] !== 0 ? this.#ports[kind] : config.number(DIRECTIVE[kind]);
    const backlog = config.number("tcp-backlog");
    try {
      this.#ports[kind] = await this.#listen(kind, { host, port, backlog, ipv6Only: host === "::" });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (!optional || (code !== "EADDRNOTAVAIL" && code !== "EAFNOSUPPORT" && code !== "ENOTFOUND")) throw error;
    }
  }

  async #listen(kind: Kind, options: ListenOptions): Promise<number> {
    const listening = await this.core.transport.listen(options, {
      accepted: (stream, endpoints) => this.#accept(kind, stream, endpoints),
      failed: (error) => this.core.log("warning", `Accepting client connection: ${error.message}`),
    });
    this.#listening.set(kind, [...(this.#listening.get(kind) ?? []), listening]);
    return listening.port;
  }

  #accept(
    kind: Kind,
    stream: Duplex & { setKeepAlive?: (on: boolean, ms: number) => void },
    endpoints: Endpoints,
  ): void {
    const keepAliveS = this.core.config.number("tcp-keepalive");
    if (kind !== "unix" && keepAliveS > 0) stream.setKeepAlive?.(true, keepAliveS * 1000);
    if (kind === "tls") this.core.tls.accept(stream, (secured) => this.core.accept(secured, endpoints));
    else this.core.accept(stream, endpoints);
  }
}
