import type { Clock, TimerHandle } from "../../core/clock.js";
import type { Bytes } from "../../protocol/resp/reply.js";
import { RequestDecoder } from "../../protocol/resp/request-decoder.js";

/** What a gate needs of the replica whose stream it holds. */
export interface StreamGateContext {
  readonly clock: Clock;
  /** Takes bytes in. */
  pass(chunk: Buffer): void;
  /** Offset of the stream that has been taken in. */
  received(): number;
  /** Bytes taken in of a command that is not complete. */
  unparsed(): Buffer;
  /** So many bytes have passed as {@link StreamGate.cutAfter} wanted. */
  cut(): void;
}

/** Most bytes that a gate holds; a link that would hold more is broken, as a full buffer breaks it. */
const MOST_HELD = 256 * 1024 * 1024;
const LIMITS = { maxBulkBytes: 512 * 1024 * 1024, unauthenticated: false };

/** Holds a master's stream back before the replica has received it: whole, by time, by bytes, or up to an offset. */
export class StreamGate {
  #held: { chunk: Buffer; readonly atMs: number }[] = [];
  #heldBytes = 0;
  #timer: TimerHandle | null = null;
  #releasing = false;
  /** Nothing passes but what {@link limit} lets pass. */
  closed = false;
  /** Offset up to which a closed gate lets bytes pass. */
  limit: number | null = null;
  /** Each piece passes so many milliseconds after it came. */
  delayMs = 0;
  /** So many bytes always stay behind. */
  behind = 0;
  /** After so many bytes the link is cut; null = never. */
  cutAfter: number | null = null;
  /** Told whenever bytes came or passed, or all that was held is gone. */
  onChange: () => void = () => undefined;

  constructor(private readonly context: StreamGateContext) {}

  /** Bytes held now. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  push(chunk: Buffer): void {
    this.#held.push({ chunk, atMs: this.context.clock.now() });
    this.#heldBytes += chunk.length;
    this.release();
    if (this.#heldBytes > MOST_HELD) this.context.cut();
  }

  /** Lets pass what may; to be called when a rule has changed. */
  release(): void {
    if (this.#releasing) return;
    this.#releasing = true;
    try {
      this.#releaseAll();
    } finally {
      this.#releasing = false;
    }
    this.onChange();
  }

  /** Forgets what is held: the link is gone, the master is asked for it again. */
  reset(): void {
    this.#held = [];
    this.#heldBytes = 0;
    this.context.clock.clearTimer(this.#timer);
    this.#timer = null;
    this.onChange();
  }

  /** The next `count` commands that are held, and how many bytes to let pass for them; null if there are not so many yet. */
  peek(count: number): { readonly commands: readonly (readonly Bytes[])[]; readonly bytes: number } | null {
    const unparsed = this.context.unparsed();
    const decoder = new RequestDecoder(LIMITS);
    decoder.push(Buffer.concat([unparsed, ...this.#held.map(({ chunk }) => chunk)]));
    const commands: (readonly Bytes[])[] = [];
    while (commands.length < count) {
      const argv = decoder.next();
      if (argv === null) return null;
      commands.push(argv);
    }
    return { commands, bytes: decoder.consumed - unparsed.length };
  }

  #releaseAll(): void {
    const { clock } = this.context;
    clock.clearTimer(this.#timer);
    this.#timer = null;
    for (let first = this.#held[0]; first !== undefined; first = this.#held[0]) {
      const waitMs = first.atMs + this.delayMs - clock.now();
      if (waitMs > 0) {
        this.#timer = clock.setTimer(() => this.release(), waitMs);
        return;
      }
      const count = Math.min(first.chunk.length, this.#allowed());
      if (count <= 0) return;
      const piece = first.chunk.subarray(0, count);
      if (count === first.chunk.length) this.#held.shift();
      else first.chunk = first.chunk.subarray(count);
      this.#heldBytes -= count;
      this.context.pass(piece);
      if (this.cutAfter === null) continue;
      this.cutAfter -= count;
      if (this.cutAfter <= 0) {
        this.cutAfter = null;
        this.context.cut();
        return;
      }
    }
  }

  #allowed(): number {
    let bytes = this.#heldBytes - this.behind;
    if (this.closed) bytes = Math.min(bytes, this.limit === null ? 0 : this.limit - this.context.received());
    return this.cutAfter === null ? bytes : Math.min(bytes, this.cutAfter);
  }
}
