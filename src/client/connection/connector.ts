import { createConnection, type LookupFunction, type NetConnectOpts, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { AbstractConnector } from "ioredis";
import type { Endpoint } from "./address.js";
import { SocketBatch } from "./socket-batch.js";

/** How the socket itself is made. */
export interface SocketOptions {
  readonly endpoint: Endpoint;
  readonly family?: number;
  /** Finds the addresses of a host name instead of the system. */
  readonly lookup?: LookupFunction;
  readonly tls?: ConnectionOptions;
  /** Opens the stream to a host and port instead of the system. */
  readonly connect?: (address: { readonly host: string; readonly port: number }) => Socket;
}

/** Told of what ioredis does not tell: the socket with its batch, and its end, before ioredis acts on it. */
export interface SocketWatcher {
  opened(socket: Socket, batch: SocketBatch): void;
  /** `error` is what ended it, if anything did. */
  ended(error: Error | undefined): void;
}

/**
 * ioredis's way to a socket, for exactly one connection generation: TCP, TLS or a unix socket, with joined
 * writes. Disconnecting destroys the socket at once; a hung server would keep a polite end waiting.
 */
export function connectorClass(
  options: SocketOptions,
  watcher: SocketWatcher,
): new (
  options: unknown,
) => AbstractConnector {
  return class BatchingConnector extends AbstractConnector {
    constructor() {
      super(0);
    }

    override connect(): Promise<Socket | TLSSocket> {
      const socket = openSocket(options);
      this.stream = socket;
      this.connecting = true;
      let failure: Error | undefined;
      socket.once("error", (error) => {
        failure = error;
        this.firstError = error;
      });
      socket.once("close", () => watcher.ended(failure));
      watcher.opened(socket, new SocketBatch(socket));
      return Promise.resolve(socket);
    }

    override disconnect(): void {
      this.connecting = false;
      this.stream?.destroy();
    }
  };
}

/** Begins to connect; the stream is given at once. */
export function openSocket({ endpoint, family, lookup, tls, connect }: SocketOptions): Socket | TLSSocket {
  if (connect !== undefined && "host" in endpoint) return connect(endpoint);
  const target: NetConnectOpts =
    "path" in endpoint ? { path: endpoint.path } : { host: endpoint.host, port: endpoint.port };
  if (family !== undefined && "host" in target) Object.assign(target, { family });
  if (lookup !== undefined && "host" in target) Object.assign(target, { lookup });
  if (!tls) return createConnection(target);
  // A certificate is checked against the name that was asked for, unless the application named another.
  const servername = tls.servername ?? ("host" in endpoint && !isIpAddress(endpoint.host) ? endpoint.host : undefined);
  return connectTls({ ...target, ...tls, ...(servername === undefined ? {} : { servername }) });
}

const isIpAddress = (host: string): boolean => host.includes(":") || /^[\d.]+$/.test(host);
