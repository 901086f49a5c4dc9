import { chmodSync, unlinkSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { Duplex } from "node:stream";
import type { Endpoints } from "./connection.js";

/** Where a server listens: `host` and `port`, or `path` of a unix socket. */
export interface ListenOptions {
  /** An address or, where the transport has names, a name. */
  readonly host?: string;
  /** 0 = any free port. */
  readonly port?: number;
  /** Path of a unix socket; `host` and `port` are not used then. */
  readonly path?: string;
  /** Permission bits of the unix socket; 0 = what the system gives. */
  readonly mode?: number;
  /** Connections that may wait to be accepted; the memory transport accepts at once. */
  readonly backlog?: number;
  /** `::` without IPv4. */
  readonly ipv6Only?: boolean;
}

/** What takes connections in. */
export interface ListenHandlers {
  /** A connection was accepted. */
  accepted(stream: Duplex, endpoints: Endpoints): void;
  /** A connection could not be accepted; listening goes on. */
  failed(error: Error): void;
}

/** A listening end of a {@link Transport}. */
export interface Listening {
  /** The port listened on; 0 for a unix socket. */
  readonly port: number;
  /** Accepts nothing any more; connections that exist stay. Resolves when the address is free. */
  close(): Promise<void>;
}

/** Whom to connect to. */
export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  /** Address of this end, where it has one of its own. Default: the transport chooses. */
  readonly localAddress?: string;
}

/**
 * The stream that {@link Transport.connect} returns at once: emits `connect` when the peer has accepted, or `error` and
 * `close`. What is written before `connect` is sent behind it.
 */
export type TransportStream = Duplex & {
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  /** The event that says that the way is open; default `connect`. */
  readonly readyEvent?: "secureConnect";
};

/** What carries bytes between servers and clients: the system's sockets, or memory. */
export interface Transport {
  /** Listens. @throws Error with the `code` of the system, such as `EADDRINUSE` */
  listen(options: ListenOptions, handlers: ListenHandlers): Promise<Listening>;
  /** Connects; see {@link TransportStream}. */
  connect(options: ConnectOptions): TransportStream;
  /**
   * Resolves when nothing moves any more unless time does: what was sent has arrived and is answered. A transport without it
   * can't know.
   */
  quiet?(): Promise<void>;
  /** True if nobody outside this process can reach what listens here. */
  readonly isPrivate?: boolean;
}

/** The sockets of the machine. */
export const systemTransport: Transport = {
  listen(options, handlers) {
    const { path, mode = 0, ...tcp } = options;
    const server = createServer({ noDelay: true, allowHalfOpen: false }, (socket) => {
      const peer = { host: socket.remoteAddress ?? path ?? "", port: socket.remotePort ?? 0 };
      const local = { host: socket.localAddress ?? path ?? "", port: socket.localPort ?? 0 };
      handlers.accepted(socket, path === undefined ? { peer, local } : { peer, local, unixPath: path });
    });
    if (path !== undefined) removeFile(path);
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(path === undefined ? tcp : { path }, () => {
        server.removeListener("error", reject);
        server.on("error", (error) => handlers.failed(error));
        if (path !== undefined && mode !== 0) chmodSync(path, mode);
        const bound = server.address();
        resolve({
          port: bound !== null && typeof bound === "object" ? bound.port : 0,
          close: () => new Promise((closed) => server.close(() => closed())),
        });
      });
    });
  },

  connect({ host, port, localAddress }) {
    return connect({ host, port, noDelay: true, ...(localAddress === undefined ? {} : { localAddress }) });
  },
};

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It wasn't there.
  }
}
