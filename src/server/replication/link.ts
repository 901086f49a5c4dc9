import { connect, type Socket } from "node:net";
import { Backoff } from "../../core/backoff.js";
import type { Clock, TimerHandle } from "../../core/clock.js";
import type { Random } from "../../core/random.js";
import { parsePayloadHeader } from "../../protocol/psync.js";
import type { Bytes } from "../../protocol/resp/reply.js";
import { Connection } from "../net/connection.js";
import { beginHandshake, continueHandshake, type Handshake, type HandshakeOptions } from "./handshake.js";
import type { LinkInfo } from "./info.js";
import { PayloadReader } from "./payload.js";
import { encodeCommand } from "./stream.js";

/** What a link tells the server it brings data to. */
export interface LinkHandlers {
  /** What to introduce this server with; asked anew for each handshake. */
  handshake(): HandshakeOptions;
  /** repl-timeout in seconds. */
  timeoutS(): number;
  /** A full resync begins: what was known of the past is void. */
  syncStarted(): void;
  /** The payload is complete. The stream goes on when the promise has resolved; a rejection ends the link. */
  load(payload: Buffer, replid: string, offset: number): Promise<void>;
  /** Partial resync granted; `replid` is null where the master named none. */
  resumed(replid: string | null): void;
  /** Bytes of the stream. */
  stream(chunk: Buffer): void;
  /** The link is gone (it will be tried again unless it was closed by this server). */
  lost(): void;
  log(level: "notice" | "warning", text: string): void;
}

/** A line of a master is never longer. */
const LONGEST_LINE = 1024;

/** Which directions are cut, without a socket being closed. */
export interface Cut {
  readonly in: boolean;
  readonly out: boolean;
}

/** The link of a replica to its master: connects, shakes hands, takes the payload, hands on the stream, and begins again. */
export class ReplicaLink {
  #state: LinkInfo["state"] = "connect";
  #socket: Socket | null = null;
  #connection: Connection | null = null;
  #handshake: Handshake | null = null;
  #adopt: { readonly replid: string; readonly offset: number } | null = null;
  #payload: PayloadReader | null = null;
  #buffered: Buffer = Buffer.alloc(0);
  #loading = false;
  #closed = false;
  #cut: Cut = { in: false, out: false };
  #retry: TimerHandle | null = null;
  #lastIoMs: number;
  #downSinceMs: number | null = null;
  readonly #backoff: Backoff;

  constructor(
    readonly host: string,
    readonly port: number,
    private readonly clock: Clock,
    random: Random,
    private readonly handlers: LinkHandlers,
  ) {
    this.#backoff = new Backoff({ firstMs: 20, maxMs: 1000 }, random);
    this.#lastIoMs = clock.now();
  }

  get state(): LinkInfo["state"] {
    return this.#state;
  }

  /** Milliseconds (of the clock) when the link went down; null if it never was up. */
  get downSinceMs(): number | null {
    return this.#downSinceMs;
  }

  get lastIoMs(): number {
    return this.#lastIoMs;
  }

  /** Bytes of the payload that comes in; null outside of one. */
  get sync(): { readonly totalBytes: number; readonly readBytes: number } | null {
    if (this.#state !== "sync") return null;
    return { totalBytes: this.#payload?.total ?? -1, readBytes: this.#payload?.received ?? 0 };
  }

  /** Connects now. */
  open(): void {
    if (this.#closed || this.#connection || this.#socket) return;
    this.#state = "connecting";
    this.#lastIoMs = this.clock.now();
    this.handlers.log("notice", `Connecting to MASTER ${this.host}:${this.port}`);
    this.#connect();
  }

  /** Closes for good. With `reset` the master sees RST. */
  close(reset = false): void {
    this.#closed = true;
    this.clock.clearTimer(this.#retry);
    this.#drop(reset);
  }

  /** Closes as a broken cable would have it; connects again. */
  break(reset = true): void {
    if (this.#connection) this.#fail("connection reset by a fault", reset);
  }

  /** Cuts directions without closing: what is held goes on when the cut is lifted; no connection is made meanwhile. */
  cut(cut: Cut): void {
    this.#cut = cut;
    this.#connection?.holdInput(cut.in);
    this.#connection?.holdOutput(cut.out);
    if (this.#state === "connecting") this.#connect();
  }

  /** Sends `REPLCONF ACK <offset>`, if the stream runs. */
  ack(offset: number): void {
    if (this.#state === "connected") this.#send([["REPLCONF", "ACK", String(offset)]]);
  }

  /** Once a second: repl-timeout, and a sign of life while a dataset loads. */
  tick(): void {
    if (this.#loading) {
      this.#lastIoMs = this.clock.now();
      this.#connection?.write("\n");
      return;
    }
    if (this.#state === "connect" || this.clock.now() - this.#lastIoMs <= this.handlers.timeoutS() * 1000) return;
    this.#fail(
      this.#state === "connected"
        ? "MASTER timeout: no data nor PING received..."
        : `Timeout in the state "${this.#state}"`,
    );
  }

  #connect(): void {
    // A cut cable answers no SYN in either direction: the attempt hangs until it heals or times out.
    if (this.#socket || this.#cut.in || this.#cut.out) return;
    const socket = connect({ host: this.host, port: this.port, noDelay: true });
    this.#socket = socket;
    const failed = (error: Error): void => {
      if (this.#socket !== socket) return;
      this.#fail(`Error condition on socket for SYNC: ${error.message}`);
    };
    socket.once("error", failed);
    socket.once("connect", () => {
      socket.off("error", failed);
      if (this.#socket === socket) this.#connected(socket);
    });
  }

  #connected(socket: Socket): void {
    const endpoints = {
      peer: { host: this.host, port: this.port },
      local: { host: socket.localAddress ?? "", port: socket.localPort ?? 0 },
    };
    const connection = new Connection(socket, endpoints, this.clock);
    this.#socket = null;
    this.#connection = connection;
    connection.onData = (chunk) => {
      if (this.#connection === connection) this.#receive(chunk);
    };
    connection.onClose = () => {
      if (this.#connection === connection) this.#fail("Connection with master lost.");
    };
    connection.holdInput(this.#cut.in);
    connection.holdOutput(this.#cut.out);
    this.#state = "handshake";
    this.#lastIoMs = this.clock.now();
    this.handlers.log("notice", "MASTER <-> REPLICA sync started");
    const { state, send } = beginHandshake();
    this.#handshake = state;
    this.#send(send);
  }

  #receive(chunk: Buffer): void {
    this.#lastIoMs = this.clock.now();
    if (this.#state === "connected" && !this.#loading) {
      this.handlers.stream(chunk);
      return;
    }
    this.#buffered = this.#buffered.length > 0 ? Buffer.concat([this.#buffered, chunk]) : chunk;
    while (this.#connection && !this.#loading && this.#buffered.length > 0) {
      const before = this.#buffered;
      if (this.#state === "handshake") this.#takeLine((line) => this.#handshakeLine(line));
      else if (this.#state === "sync") this.#takePayload();
      else {
        this.#buffered = Buffer.alloc(0);
        this.handlers.stream(before);
      }
      if (this.#buffered === before) return;
    }
  }

  #takeLine(take: (line: string) => void): void {
    const end = this.#buffered.indexOf(10);
    if (end < 0) {
      if (this.#buffered.length > LONGEST_LINE) this.#fail("the master sent a line without an end");
      return;
    }
    const line = this.#buffered.toString("latin1", 0, end).replace(/\r$/, "");
    this.#buffered = this.#buffered.subarray(end + 1);
    take(line);
  }

  #handshakeLine(line: string): void {
    if (!this.#handshake) return;
    const step = continueHandshake(this.#handshake, line, this.handlers.handshake());
    if (step.kind === "failed") return this.#fail(step.reason);
    if (step.kind === "more") {
      this.#handshake = step.state;
      return this.#send(step.send);
    }
    const { answer } = step;
    switch (answer.kind) {
      case "fullResync":
        this.handlers.log("notice", `Full resync from master: ${answer.replid}:${answer.offset}`);
        this.#adopt = answer;
        this.#state = "sync";
        return this.handlers.syncStarted();
      case "continue":
        this.handlers.log("notice", "Successful partial resynchronization with master.");
        this.#up();
        return this.handlers.resumed(answer.replid);
      case "later":
        return this.#fail(`Master is currently unable to PSYNC but should be in the future: ${answer.text}`);
      case "refused":
        return this.#fail(`Unexpected reply to PSYNC from master: ${answer.text}`);
    }
  }

  #takePayload(): void {
    if (!this.#payload) return this.#takeLine((line) => this.#payloadLine(line));
    const rest = this.#payload.push(this.#buffered);
    this.#buffered = rest ?? Buffer.alloc(0);
    if (rest) void this.#load(this.#payload.finish());
  }

  #payloadLine(line: string): void {
    // Empty lines keep the link alive while the master prepares the payload.
    if (line === "") return;
    if (line.startsWith("-")) return this.#fail(`MASTER aborted replication with an error: ${line.slice(1)}`);
    const header = parsePayloadHeader(line);
    if (!header) return this.#fail("Bad protocol from MASTER, the first byte is not '$'");
    this.#payload = new PayloadReader(header);
    const size =
      header.kind === "length" ? `receiving ${header.bytes} bytes from master` : "receiving streamed RDB from master";
    this.handlers.log("notice", `MASTER <-> REPLICA sync: ${size}`);
    // An announced length of zero has nothing to wait for.
    if (header.kind === "length" && header.bytes === 0) this.#fail("MASTER sent an empty payload");
  }

  async #load(payload: Buffer): Promise<void> {
    const connection = this.#connection;
    const adopt = this.#adopt;
    if (!connection || !adopt) return;
    this.#loading = true;
    this.handlers.log("notice", "MASTER <-> REPLICA sync: Loading DB in memory");
    try {
      await this.handlers.load(payload, adopt.replid, adopt.offset);
    } catch (error) {
      this.#loading = false;
      if (this.#connection === connection)
        this.#fail(`Failed trying to load the MASTER synchronization DB: ${(error as Error).message}`);
      return;
    }
    this.#loading = false;
    if (this.#connection !== connection) return;
    this.handlers.log("notice", "MASTER <-> REPLICA sync: Finished with success");
    this.#up();
    this.ack(adopt.offset);
    const rest = this.#buffered;
    this.#buffered = Buffer.alloc(0);
    if (rest.length > 0) this.handlers.stream(rest);
  }

  #up(): void {
    this.#state = "connected";
    this.#handshake = null;
    this.#payload = null;
    this.#adopt = null;
    this.#downSinceMs = null;
    this.#backoff.reset();
  }

  #send(commands: readonly (readonly Bytes[])[]): void {
    for (const argv of commands) this.#connection?.write(encodeCommand(argv));
  }

  #fail(reason: string, reset = false): void {
    if (this.#closed || this.#state === "connect") return;
    const wasUp = this.#state === "connected";
    this.handlers.log("warning", reason);
    this.#drop(reset);
    if (wasUp) this.#downSinceMs = this.clock.now();
    this.#state = "connect";
    this.handlers.lost();
    this.#retry = this.clock.setTimer(() => this.open(), this.#backoff.next());
  }

  #drop(reset: boolean): void {
    const connection = this.#connection;
    const socket = this.#socket;
    this.#connection = null;
    this.#socket = null;
    this.#handshake = null;
    this.#payload = null;
    this.#adopt = null;
    this.#buffered = Buffer.alloc(0);
    connection?.destroy(reset);
    if (socket) {
      // Its failure has been dealt with; an error event without a listener would end the process.
      socket.on("error", () => undefined);
      socket.destroy();
    }
  }
}
