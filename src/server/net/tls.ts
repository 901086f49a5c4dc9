import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  connect as connectTls,
  createSecureContext,
  createServer,
  type SecureContext,
  type Server,
  type TLSSocket,
} from "node:tls";
import type { Config } from "../config/config.js";
import { readTlsSettings, type TlsMaterial, type TlsSettings } from "./tls-settings.js";
import type { TransportStream } from "./transport.js";

/** TLS cannot be had as it is configured; the message says why, and names no secret. */
export class TlsError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "TlsError";
  }
}

/** What CONFIG SET says when a change doesn't work; the reason is in the log. */
export const TLS_UPDATE_FAILED = "Unable to update TLS configuration. Check server logs.";

/** Directives that a change of which takes effect on the next connection. */
const DIRECTIVES = [
  ...[
    "tls-cert-file",
    "tls-key-file",
    "tls-key-file-pass",
    "tls-dh-params-file",
    "tls-ca-cert-file",
    "tls-ca-cert-dir",
  ],
  ...["tls-client-cert-file", "tls-client-key-file", "tls-client-key-file-pass", "tls-auth-clients", "tls-replication"],
  ...["tls-protocols", "tls-ciphers", "tls-ciphersuites", "tls-prefer-server-ciphers"],
  ...["tls-session-caching", "tls-session-cache-size", "tls-session-cache-timeout"],
];

/** TLS of one server, both ways: towards clients on `tls-port`, towards its master with `tls-replication`. */
export class Tls {
  #settings: TlsSettings | null = null;
  #server: Server | null = null;
  #client: SecureContext | null = null;
  /** Connections whose handshake is not over. */
  readonly #pending = new Set<Duplex>();
  /** Those of the system's connections, by their names, with what to do when they are secure. */
  readonly #awaited = new Map<string, (socket: TLSSocket) => void>();

  /** @param material PEM texts that stand in for the files of the config */
  constructor(
    private readonly config: Config,
    private readonly log: (text: string) => void,
    private readonly material: TlsMaterial | null,
  ) {
    config.setApplier(DIRECTIVES, () => {
      const wanted = config.number("tls-port") !== 0 || config.flag("tls-replication") || this.#settings !== null;
      return !wanted || this.configure() ? null : TLS_UPDATE_FAILED;
    });
  }

  /** Reads certificates and settings anew. False if they don't do: what was before stays, and the log says why. */
  configure(): boolean {
    try {
      const settings = readTlsSettings(this.config, this.material);
      const server = this.#createServer(settings);
      const client = createSecureContext(settings.client);
      server.on("secureConnection", (socket) => {
        const done = this.#awaited.get(nameOf(socket));
        if (done === undefined) socket.destroy();
        else done(socket);
      });
      this.#settings = settings;
      this.#server = server;
      this.#client = client;
      return true;
    } catch (error) {
      this.log((error as Error).message);
      return false;
    }
  }

  /** @throws TlsError unless TLS is configured or can be now */
  ensure(): void {
    if (this.#settings === null && !this.configure())
      throw new TlsError("Failed to configure TLS. Check logs for more info.");
  }

  /** Takes the server's side of a handshake on a new connection; `secured` is called when it has succeeded. */
  accept(raw: Duplex, secured: (socket: TLSSocket) => void): void {
    const settings = this.#settings;
    if (settings === null || this.#server === null) {
      raw.destroy();
      return;
    }
    this.#pending.add(raw);
    raw.once("close", () => this.#pending.delete(raw));
    const done = (socket: TLSSocket): void => {
      this.#pending.delete(raw);
      if (settings.refuses(socket)) {
        this.log("Error accepting a client connection: the client's certificate is not valid");
        socket.destroy();
      } else secured(Object.assign(socket, { resetAndDestroy: () => reset(raw, socket) }));
    };
    if (raw instanceof Socket) {
      this.#awaited.set(nameOf(raw), done);
      raw.once("close", () => this.#awaited.delete(nameOf(raw)));
      this.#server.emit("connection", raw);
      return;
    }
    // A stream of the process has no address to know it by again: it gets a TLS server to itself.
    const server = this.#createServer(settings);
    server.on("secureConnection", done);
    server.emit("connection", raw);
  }

  /** Takes the client's side on a connection that is being made. The peer's certificate must be the CA's, its name may be any. */
  connect(raw: TransportStream): TransportStream {
    this.ensure();
    const socket = connectTls({
      socket: raw,
      secureContext: this.#client as SecureContext,
      rejectUnauthorized: true,
      checkServerIdentity: () => undefined,
    });
    // What fails below must be told above, or nobody would hear of it.
    raw.on("error", (error) => socket.destroy(error));
    return Object.assign(socket, { readyEvent: "secureConnect" as const, resetAndDestroy: () => reset(raw, socket) });
  }

  /** Ends handshakes that are under way. */
  stop(): void {
    for (const raw of this.#pending) raw.destroy();
    this.#pending.clear();
  }

  #createServer(settings: TlsSettings): Server {
    const server = createServer({ ...settings.server, ...settings.demand });
    server.on("tlsClientError", (error, socket) => {
      this.log(`Error accepting a client connection: ${error.message}`);
      socket.destroy();
    });
    return server;
  }
}

/** What tells one connection of the system from all others while it lasts. */
function nameOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

function reset(raw: Duplex & { resetAndDestroy?: () => unknown }, socket: TLSSocket): TLSSocket {
  if (raw.resetAndDestroy) raw.resetAndDestroy();
  else raw.destroy();
  return socket.destroy();
}
