import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock, TimerHandle } from "../../core/clock.js";
import type { Bytes } from "../../protocol/resp/reply.js";
import { flushAtTurnEnd } from "./turn-end.js";

/** Characters that are gathered before they are set aside as a piece. */
const LONGEST_TEXT = 1024 * 1024;

/** Where the two ends of a connection are; a unix socket has its path and port 0. */
export interface Endpoints {
  readonly peer: { readonly host: string; readonly port: number };
  readonly local: { readonly host: string; readonly port: number };
  readonly unixPath?: string;
}

/**
 * One stream to a client: gathers output and writes it once per turn of the event loop, and lets faults hold
 * either direction. Bytes that are held are kept in order and go on when the hold is lifted.
 */
export class Connection {
  /** Bytes that came in, before any parsing. Set by the owner. */
  onData: (chunk: Buffer) => void = () => {};
  onClose: () => void = () => {};
  /** Called once when some of what waited has been written; set by who has more. */
  onRoom: (() => void) | null = null;
  #pending: (Bytes | Buffer)[] = [];
  #text: Bytes = "";
  #scheduled = false;
  #receiving = false;
  #inputHeld = false;
  #outputHeld = false;
  #outputDelayMs = 0;
  /** Of the next write alone. */
  #nextDelayMs = 0;
  #closed = false;
  #endAfterWrite = false;
  /** Whoever reads the other end may sleep until something is written. */
  readonly #wakes: boolean;
  #held: Buffer[] = [];
  readonly #delayTimers = new Set<TimerHandle>();
  #delayed: { dueMs: number; data: Buffer | null }[] = [];
  /** Bytes read and written so far. */
  bytesIn = 0;
  bytesOut = 0;

  constructor(
    readonly stream: Duplex,
    readonly endpoints: Endpoints,
    private readonly clock: Clock,
  ) {
    this.#wakes = stream instanceof Socket;
    stream.on("data", (chunk: Buffer) => this.#receive(chunk));
    stream.on("end", () => this.end());
    stream.on("error", () => this.destroy());
    stream.on("close", () => this.#finish());
    stream.on("drain", () => this.#tellRoom());
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes that wait to be written: ours and those that the socket has taken but not sent. */
  get backlogBytes(): number {
    let bytes = this.#text.length + this.stream.writableLength;
    for (const piece of this.#pending) bytes += piece.length;
    for (const piece of this.#delayed) bytes += piece.data?.length ?? 0;
    return bytes;
  }

  /** Queues output; it is written when the turn ends, or by `flush()`. */
  write(data: Bytes | Buffer): void {
    if (this.#closed || this.#endAfterWrite) return;
    if (typeof data === "string") {
      this.#text += data;
      // One long text would cost twice its size when it is written, and has an end.
      if (this.#text.length > LONGEST_TEXT) {
        this.#pending.push(this.#text);
        this.#text = "";
      }
    } else {
      if (this.#text !== "") this.#pending.push(this.#text);
      this.#text = "";
      this.#pending.push(data);
    }
    if (!this.#scheduled && !this.#receiving) {
      this.#scheduled = true;
      process.nextTick(this.#flushLater);
    }
  }

  readonly #flushLater = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  /** Writes what is queued, as one piece where it is text alone. */
  flush(): void {
    if (this.#closed || this.#outputHeld) return;
    if (this.#pending.length === 0) {
      if (this.#text === "") return;
      const text = this.#text;
      this.#text = "";
      this.#send(text);
      return;
    }
    if (this.#text !== "") this.#pending.push(this.#text);
    this.#text = "";
    const pieces = this.#pending;
    this.#pending = [];
    const [first] = pieces;
    if (pieces.length === 1 && Buffer.isBuffer(first)) return this.#send(first);
    this.#send(
      Buffer.concat(pieces.map((piece) => (typeof piece === "string" ? Buffer.from(piece, "latin1") : piece))),
    );
  }

  /** Holds what comes in, as a cut cable does: the peer's bytes wait, nothing is lost. */
  holdInput(hold: boolean): void {
    this.#inputHeld = hold;
    if (hold) {
      this.stream.pause();
      return;
    }
    const held = this.#held;
    this.#held = [];
    for (const chunk of held) this.#receive(chunk);
    if (!this.#closed) this.stream.resume();
  }

  /** Holds what goes out; it is kept in order until the hold is lifted. */
  holdOutput(hold: boolean): void {
    this.#outputHeld = hold;
    if (hold) return;
    this.flush();
    this.#tellRoom();
  }

  #tellRoom(): void {
    const run = this.onRoom;
    this.onRoom = null;
    run?.();
  }

  /** Every write goes out this many milliseconds later; 0 = at once. Order is kept. */
  delayOutput(ms: number): void {
    this.#outputDelayMs = ms;
  }

  /** The next write goes out this many milliseconds later; what is written behind it keeps its place. */
  delayNext(ms: number): void {
    this.#nextDelayMs = ms;
  }

  /** Sends the first `bytes` bytes (null: half) of what is queued, and closes. */
  endWithPart(bytes: number | null): void {
    if (this.#text !== "") this.#pending.push(this.#text);
    this.#text = "";
    const all = Buffer.concat(
      this.#pending.map((piece) => (typeof piece === "string" ? Buffer.from(piece, "latin1") : piece)),
    );
    const part = all.subarray(0, bytes ?? all.length >> 1);
    this.#pending = part.length > 0 ? [part] : [];
    this.end();
  }

  /** Lets the system gather small packets (Nagle), where the stream is a socket: fewer of them, each a little later. */
  gatherSmallPackets(): void {
    (this.stream as Duplex & { setNoDelay?: (on: boolean) => unknown }).setNoDelay?.(false);
  }

  /** Writes what is queued, then closes. */
  end(): void {
    if (this.#closed || this.#endAfterWrite) return;
    this.flush();
    this.#endAfterWrite = true;
    if (this.#delayed.length > 0) this.#delay(null);
    else this.#close();
  }

  /** Closes at once; with `reset` the peer sees RST, as when a process was killed. */
  destroy(reset = false): void {
    if (this.#closed) return;
    const stream = this.stream as Duplex & { resetAndDestroy?: () => void };
    if (reset && stream.resetAndDestroy) stream.resetAndDestroy();
    else stream.destroy();
    this.#finish();
  }

  #receive(chunk: Buffer): void {
    if (this.#closed) return;
    if (this.#inputHeld) {
      this.#held.push(chunk);
      return;
    }
    this.bytesIn += chunk.length;
    // What the chunk is answered with goes out at its end, or at the turn's: nothing needs to be scheduled for it.
    this.#receiving = true;
    try {
      this.onData(chunk);
    } finally {
      this.#receiving = false;
    }
    if (!this.#wakes) this.flush();
    else if (this.#text !== "" || this.#pending.length > 0) flushAtTurnEnd(this);
  }

  #send(data: Bytes | Buffer): void {
    this.bytesOut += data.length;
    if (this.#outputDelayMs > 0 || this.#nextDelayMs > 0 || this.#delayed.length > 0) {
      this.#delay(typeof data === "string" ? Buffer.from(data, "latin1") : data);
    } else if (typeof data === "string") {
      this.stream.write(data, "latin1");
    } else {
      this.stream.write(data);
    }
  }

  #delay(data: Buffer | null): void {
    const nowMs = this.clock.now();
    // What stands behind something slow never overtakes it.
    const dueMs = Math.max(this.#delayed.at(-1)?.dueMs ?? 0, nowMs + Math.max(this.#outputDelayMs, this.#nextDelayMs));
    this.#nextDelayMs = 0;
    this.#delayed.push({ dueMs, data });
    const timer = this.clock.setTimer(() => {
      this.#delayTimers.delete(timer);
      const first = this.#delayed.shift();
      if (this.#closed || first === undefined) return;
      if (first.data === null) this.#close();
      else this.stream.write(first.data);
    }, dueMs - nowMs);
    this.#delayTimers.add(timer);
  }

  /** Closes once everything is written, without waiting for the peer to close its side too. */
  #close(): void {
    this.stream.end(() => this.stream.destroy());
  }

  #finish(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const timer of this.#delayTimers) this.clock.clearTimer(timer);
    this.#delayTimers.clear();
    this.#pending = [];
    this.#text = "";
    this.#held = [];
    this.#delayed = [];
    this.onClose();
  }
}
