import type { Connection } from "../net/connection.js";
import type { TransportStream } from "../net/transport.js";
import type { HandshakeOptions } from "./handshake.js";

/** What a link tells the server it brings data to. */
export interface LinkHandlers {
  /** Opens a way to the master; emits `connect` or `error`. */
  connect(host: string, port: number): TransportStream;
  /** What to introduce this server with; asked anew for each handshake. */
  handshake(): HandshakeOptions;
  /** repl-timeout in seconds. */
  timeoutS(): number;
  /** The master has agreed to a full resync. */
  syncStarted(): void;
  /** A payload of `total` bytes (0: not known) will come; returns where it goes, for the log. */
  receiving(total: number, origin: Origin | null): "disk" | "parser";
  /** The log has said so. */
  begun(): void;
  /**
   * The payload is complete; `origin` is null where a master of old told neither its history nor its offset. The stream
   * goes on when the promise has resolved; a rejection ends the link.
   */
  load(payload: Buffer, origin: Origin | null): Promise<void>;
  /** The stream comes by this connection from now on, or (null) no longer. */
  linked(connection: Connection | null): void;
  /** Partial resync granted; `replid` is null where the master named none. */
  resumed(replid: string | null): void;
  /** Bytes of the stream. */
  stream(chunk: Buffer): void;
  /**
   * The link is gone and will be tried again, unless this server has closed it. `refused`: the master answered, and
   * would not have it.
   */
  lost(refused: boolean): void;
  log(level: "notice" | "warning", text: string): void;
}

/** Where in which history a full resync stands. */
export interface Origin {
  readonly replid: string;
  readonly offset: number;
}
