import type { Clock, TimerHandle } from "../../core/clock.js";
import type { Bytes } from "../../protocol/resp/reply.js";
import { RequestDecoder } from "../../protocol/resp/request-decoder.js";

/** What an applier does with the stream. */
export interface ApplierHandlers {
  /** Commands are about to be run, one after another. */
  begin(): void;
  /** True if a pause holds this command, and with it all behind it; {@link StreamApplier.resume} is called afterwards. */
  holds(argv: readonly Bytes[]): boolean;
  /** Runs one command of the master. True while a MULTI is open behind it: its effect is not there yet. */
  run(argv: readonly Bytes[]): boolean;
  /** These bytes have been applied whole: they count, and go on to this server's replicas. */
  applied(bytes: Buffer): void;
  /** The master asks for the offset. Called when all that stood before the question has been applied and counted. */
  ackAsked(): void;
  /** The stream is not one: the link can't be trusted any more. */
  broken(reason: string): void;
}

/** Most bytes that wait to be applied, as client-query-buffer-limit has it by default; with more the link is broken. */
const MOST_BEHIND = 1024 * 1024 * 1024;
const LIMITS = { maxBulkBytes: 512 * 1024 * 1024, unauthenticated: false };

/**
 * Applies a master's stream in its order, at once, late or not at all (faults). What was received and not applied is
 * forgotten when the link is lost; the master is asked for it again.
 */
export class StreamApplier {
  #decoder = new RequestDecoder(LIMITS);
  /** Bytes taken out of the queue and not yet applied, in order. */
  #raw: Buffer[] = [];
  /** `consumed` of the decoder up to which bytes have been handed to `applied`. */
  #counted = 0;
  #queue: { readonly chunk: Buffer; readonly atMs: number }[] = [];
  /** `consumed` of the decoder behind the last command that ran. */
  #ran = 0;
  /** A MULTI of the stream is open. */
  #inMulti = false;
  #received = 0;
  #appliedBytes = 0;
  #lagMs = 0;
  #frozen = false;
  /** A script holds the server up: nothing may change the data beneath it. */
  #stalled = false;
  /** The command that a pause holds. */
  #held: readonly Bytes[] | null = null;
  #timer: TimerHandle | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly handlers: ApplierHandlers,
  ) {}

  /** Bytes received and not applied. */
  get behind(): number {
    return this.#received - this.#appliedBytes;
  }

  /** Bytes received of commands that have not run. */
  get unparsed(): Buffer {
    const raw = Buffer.concat([...this.#raw, ...this.#queue.map(({ chunk }) => chunk)]);
    return raw.subarray(this.#ran - this.#counted);
  }

  /** Takes bytes of the stream. */
  push(chunk: Buffer): void {
    this.#received += chunk.length;
    if (this.#queue.length === 0 && this.#lagMs === 0 && !this.#frozen && !this.#stalled && this.#held === null) {
      this.#apply(chunk);
      return;
    }
    this.#queue.push({ chunk, atMs: this.clock.now() });
    this.#schedule();
    if (this.behind > MOST_BEHIND) this.handlers.broken("too much of it waits to be applied");
  }

  /** Each piece is applied `lagMs` after it came, unless `frozen`. */
  hold(lagMs: number, frozen: boolean): void {
    this.#lagMs = lagMs;
    this.#frozen = frozen;
    this.#schedule();
  }

  /** Holds everything back while a script is set aside in the midst of its work. */
  stall(stalled: boolean): void {
    this.#stalled = stalled;
    this.#schedule();
  }

  /** Goes on with what a pause held, unless another holds it still. */
  resume(): void {
    this.#schedule();
  }

  /** Forgets what was not applied: the link is gone, or a dataset takes the place of the stream. */
  reset(): void {
    this.#decoder = new RequestDecoder(LIMITS);
    this.#raw = [];
    this.#counted = 0;
    this.#ran = 0;
    this.#queue = [];
    this.#held = null;
    this.#inMulti = false;
    this.#received = this.#appliedBytes = 0;
    this.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #schedule(): void {
    this.clock.clearTimer(this.#timer);
    this.#timer = null;
    if (this.#frozen || this.#stalled) return;
    if (this.#held !== null) this.#work();
    if (this.#held !== null) return;
    while (this.#queue.length > 0) {
      const first = this.#queue[0] as { chunk: Buffer; atMs: number };
      const waitMs = first.atMs + this.#lagMs - this.clock.now();
      if (waitMs > 0) {
        this.#timer = this.clock.setTimer(() => this.#schedule(), waitMs);
        return;
      }
      this.#queue.shift();
      this.#apply(first.chunk);
      if (this.#frozen || this.#held !== null) return;
    }
  }

  #apply(chunk: Buffer): void {
    this.#raw.push(chunk);
    this.#decoder.push(chunk);
    this.#work();
  }

  /** Runs what is complete, as far as no pause holds it. */
  #work(): void {
    const decoder = this.#decoder;
    this.handlers.begin();
    let complete = this.#counted;
    let argv = this.#held ?? decoder.next();
    this.#held = null;
    for (; argv; argv = decoder.next()) {
      if (this.handlers.holds(argv)) {
        this.#held = argv;
        break;
      }
      if (isGetAck(argv)) {
        // The answer doesn't count the question itself.
        if (!this.#inMulti) this.#count(complete);
        this.handlers.ackAsked();
      } else {
        this.#inMulti = this.handlers.run(argv);
      }
      // A command may have ended the link it came by (REPLICAOF by a fault's hand): nothing of it counts any more.
      if (this.#decoder !== decoder) return;
      this.#ran = decoder.consumed;
      if (!this.#inMulti) complete = decoder.consumed;
    }
    this.#count(complete);
    if (decoder.error !== null) this.handlers.broken(decoder.error);
  }

  /** Hands the bytes up to `consumed` on. */
  #count(consumed: number): void {
    let count = consumed - this.#counted;
    if (count === 0) return;
    this.#counted = consumed;
    this.#appliedBytes += count;
    const pieces: Buffer[] = [];
    while (count > 0) {
      const first = this.#raw[0] as Buffer;
      if (first.length <= count) {
        pieces.push(first);
        this.#raw.shift();
        count -= first.length;
      } else {
        pieces.push(first.subarray(0, count));
        this.#raw[0] = first.subarray(count);
        count = 0;
      }
    }
    this.handlers.applied(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces));
  }
}

function isGetAck(argv: readonly Bytes[]): boolean {
  return (
    argv.length === 3 &&
    argv[0]?.length === 8 &&
    argv[0].toUpperCase() === "REPLCONF" &&
    argv[1]?.toUpperCase() === "GETACK"
  );
}
