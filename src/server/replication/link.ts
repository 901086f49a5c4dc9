import { Backoff } from "../../core/backoff.js";
import type { Clock, TimerHandle } from "../../core/clock.js";
import type { Random } from "../../core/random.js";
import { type PsyncAnswer, parsePayloadHeader } from "../../protocol/psync.js";
import type { Bytes } from "../../protocol/resp/reply.js";
import { Connection } from "../net/connection.js";
import type { TransportStream } from "../net/transport.js";
import { beginHandshake, continueHandshake, type Handshake } from "./handshake.js";
import type { LinkInfo } from "./info.js";
import type { LinkHandlers, Origin } from "./link-handlers.js";
import { PayloadReader } from "./payload.js";
import { encodeCommand } from "./stream.js";

/** A line of a master is never longer. */
const LONGEST_LINE = 1024;

/** What the log says when repl-timeout is over, by state. */
const TIMEOUTS: Readonly<Record<LinkInfo["state"], string>> = {
  connect: "Timeout connecting to the MASTER...",
  connecting: "Timeout connecting to the MASTER...",
  handshake: "Timeout connecting to the MASTER...",
  sync: "Timeout receiving bulk data from MASTER... If the problem persists try to set the 'repl-timeout' parameter in redis.conf to a larger value.",
  connected: "MASTER timeout: no data nor PING received...",
};

/** Which directions are cut, without a socket being closed. */
export interface Cut {
  readonly in: boolean;
  readonly out: boolean;
}

/** The link of a replica to its master: connects, shakes hands, takes the payload, hands on the stream, and begins again. */
export class ReplicaLink {
  #state: LinkInfo["state"] = "connect";
  #socket: TransportStream | null = null;
  #connection: Connection | null = null;
  #handshake: Handshake | null = null;
  #origin: Origin | null = null;
  /** The master knows no PSYNC: it counts nothing, and is sent no ACK. */
  #legacy = false;
  #payload: PayloadReader | null = null;
  #buffered: Buffer = Buffer.alloc(0);
  #loading = false;
  #closed = false;
  #cut: Cut = { in: false, out: false };
  #retry: TimerHandle | null = null;
  #lastIoMs: number;
  /** Milliseconds (of the clock) when the link to this or an earlier master went down; null if none ever was up. */
  downSinceMs: number | null = null;
  /** The server stands still: it reads nothing. */
  #asleep = false;
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

  get lastIoMs(): number {
    return this.#lastIoMs;
  }

  /** Bytes of the payload that comes in; null outside of one. */
  get sync(): { readonly totalBytes: number; readonly readBytes: number } | null {
    if (this.#state !== "sync") return null;
    const payload = this.#payload;
    // As Redis has it: -1 before the size is known, 0 where only a mark will tell the end.
    return { totalBytes: payload === null ? -1 : Math.max(payload.total, 0), readBytes: payload?.received ?? 0 };
  }

  /** Connects now. */
  open(): void {
    if (this.#closed || this.#connection || this.#socket) return;
    this.#state = "connecting";
    this.#lastIoMs = this.clock.now();
    this.handlers.log("notice", `Connecting to MASTER ${this.host}:${this.port}`);
    this.handlers.log("notice", "MASTER <-> REPLICA sync started");
    this.#connect();
  }

  /** Closes for good. With `reset` the master sees RST. */
  close(reset = false): void {
    this.#closed = true;
    this.clock.clearTimer(this.#retry);
    this.#drop(reset);
  }

  /** A fault: nothing acknowledges what was applied. */
  acksHeld = false;
  /** A fault: the link breaks when so many bytes of a payload have come, once; null = it doesn't. */
  cutPayloadAt: number | null = null;

  /** Closes as a broken cable would have it; connects again. */
  break(reset = true): void {
    if (this.#connection) this.#fail("Connection with master lost.", { reset });
  }

  /** While the server stands still nothing is read; see {@link cut} for what may hold the input too. */
  standStill(on: boolean): void {
    this.#asleep = on;
    this.#connection?.holdInput(on || this.#cut.in);
  }

  /** Cuts directions without closing: what is held goes on when the cut is lifted; no connection is made meanwhile. */
  cut(cut: Cut): void {
    this.#cut = cut;
    this.#connection?.holdInput(cut.in || this.#asleep);
    this.#connection?.holdOutput(cut.out);
    if (this.#state === "connecting") this.#connect();
  }

  /** Sends `REPLCONF ACK <offset>`, if the stream runs. */
  ack(offset: number): void {
    if (this.#state === "connected" && !this.#legacy && !this.acksHeld)
      this.#send([["REPLCONF", "ACK", String(offset)]]);
  }

  /** Once a second: repl-timeout, and a sign of life while a dataset loads. */
  tick(): void {
    if (this.#loading) {
      this.#lastIoMs = this.clock.now();
      this.#connection?.write("\n");
      return;
    }
    if (this.#state === "connect" || this.clock.now() - this.#lastIoMs <= this.handlers.timeoutS() * 1000) return;
    this.#fail(TIMEOUTS[this.#state]);
  }

  #connect(): void {
    // A cut cable answers no SYN in either direction: the attempt hangs until it heals or times out.
    if (this.#socket || this.#cut.in || this.#cut.out) return;
    const socket = this.handlers.connect(this.host, this.port);
    this.#socket = socket;
    const failed = (error: Error): void => {
      if (this.#socket !== socket) return;
      this.#fail(`Error condition on socket for SYNC: ${error.message}`);
    };
    socket.once("error", failed);
    socket.once(socket.readyEvent ?? "connect", () => {
      socket.off("error", failed);
      if (this.#socket === socket) this.#connected(socket);
    });
  }

  #connected(socket: TransportStream): void {
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
    connection.holdInput(this.#cut.in || this.#asleep);
    connection.holdOutput(this.#cut.out);
    this.#state = "handshake";
    this.#lastIoMs = this.clock.now();
    this.handlers.log("notice", "Non blocking connect for SYNC fired the event.");
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
      for (const note of step.note?.split("\n") ?? []) this.handlers.log("notice", note);
      return this.#send(step.send);
    }
    this.#answered(step.answer);
  }

  #answered(answer: PsyncAnswer): void {
    switch (answer.kind) {
      case "fullResync":
        this.handlers.log("notice", `Full resync from master: ${answer.replid}:${answer.offset}`);
        this.#origin = answer;
        this.#state = "sync";
        return this.handlers.syncStarted();
      case "continue":
        this.handlers.log("notice", "Successful partial resynchronization with master.");
        this.#up();
        this.handlers.resumed(answer.replid);
        this.handlers.log("notice", "MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.");
        return;
      case "later":
        return this.#fail(`Master is currently unable to PSYNC but should be in the future: ${answer.text}`, {
          level: "notice",
          refused: true,
        });
      case "refused":
        return this.#refused(answer.text);
    }
  }

  /** A master of old, or one that has its reasons: what it can be asked without PSYNC is everything. */
  #refused(text: string): void {
    if (text.startsWith("+FULLRESYNC")) {
      this.handlers.log("warning", "Master replied with wrong +FULLRESYNC syntax.");
    } else {
      if (text.startsWith("-ERR")) {
        this.handlers.log("notice", `Master does not support PSYNC or is in error state (reply: ${text})`);
      } else this.handlers.log("warning", `Unexpected reply to PSYNC from master: ${text}`);
      if (this.handlers.handshake().takeOver) {
        return this.#fail(null, { refused: true });
      }
      this.handlers.log("notice", "Retrying with SYNC...");
      this.#connection?.write("SYNC\r\n");
    }
    this.#legacy = true;
    this.#state = "sync";
  }

  #takePayload(): void {
    if (!this.#payload) return this.#takeLine((line) => this.#payloadLine(line));
    if (this.cutPayloadAt !== null && this.#payload.received + this.#buffered.length >= this.cutPayloadAt) {
      this.cutPayloadAt = null;
      return this.#fail("Connection with master lost.", { reset: true });
    }
    const rest = this.#payload.push(this.#buffered);
    this.#buffered = rest ?? Buffer.alloc(0);
    if (rest) void this.#load(this.#payload);
  }

  #payloadLine(line: string): void {
    // Empty lines keep the link alive while the master prepares the payload.
    if (line === "") return;
    if (line.startsWith("-")) return this.#fail(`MASTER aborted replication with an error: ${line.slice(1)}`);
    const header = parsePayloadHeader(line);
    if (!header) {
      return this.#fail(
        `Bad protocol from MASTER, the first byte is not '$' (we received '${line}'), are you sure the host and port are right?`,
      );
    }
    this.#payload = new PayloadReader(header);
    const to = this.handlers.receiving(header.kind === "length" ? header.bytes : 0, this.#origin);
    const size =
      header.kind === "length"
        ? `receiving ${header.bytes} bytes from master to ${to}`
        : `receiving streamed RDB from master with EOF to ${to}`;
    this.handlers.log("notice", `MASTER <-> REPLICA sync: ${size}`);
    this.handlers.begun();
    // An announced length of zero has nothing to wait for.
    if (header.kind === "length" && header.bytes === 0) this.#fail("MASTER sent an empty payload");
  }

  async #load(reader: PayloadReader): Promise<void> {
    const connection = this.#connection;
    const origin = this.#origin;
    if (!connection) return;
    this.#loading = true;
    try {
      const payload = await reader.take(() => new Promise((resolve) => this.clock.setImmediate(resolve)));
      if (this.#connection === connection) await this.handlers.load(payload, origin);
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
    if (origin) this.ack(origin.offset);
    const rest = this.#buffered;
    this.#buffered = Buffer.alloc(0);
    if (rest.length > 0) this.handlers.stream(rest);
  }

  #up(): void {
    this.#state = "connected";
    this.#handshake = null;
    this.#payload = null;
    this.#origin = null;
    this.downSinceMs = null;
    this.#backoff.reset();
    this.handlers.linked(this.#connection);
  }

  #send(commands: readonly (readonly Bytes[])[]): void {
    for (const argv of commands) this.#connection?.write(encodeCommand(argv));
  }

  /** @param reason null: it has been said, or will be */
  #fail(
    reason: string | null,
    {
      reset = false,
      refused = false,
      level = "warning",
    }: { reset?: boolean; refused?: boolean; level?: "notice" | "warning" } = {},
  ): void {
    if (this.#closed || this.#state === "connect") return;
    const wasUp = this.#state === "connected";
    if (reason !== null) this.handlers.log(level, reason);
    this.#drop(reset);
    if (wasUp) this.downSinceMs = this.clock.now();
    this.#state = "connect";
    this.handlers.lost(refused);
    this.#retry = this.clock.setTimer(() => this.open(), this.#backoff.next());
  }

  #drop(reset: boolean): void {
    const connection = this.#connection;
    const socket = this.#socket;
    this.#connection = null;
    this.#socket = null;
    this.#handshake = null;
    this.#payload = null;
    this.#origin = null;
    this.#legacy = false;
    this.#buffered = Buffer.alloc(0);
    if (this.#state === "connected") this.handlers.linked(null);
    connection?.destroy(reset);
    if (socket) {
      // Its failure has been dealt with; an error event without a listener would end the process.
      socket.on("error", () => undefined);
      socket.destroy();
    }
  }
}
