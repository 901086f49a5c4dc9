import type { Clock } from "../../core/clock.js";
import { deferred } from "../../core/deferred.js";
import type { Replication } from "../replication/replication.js";
import { StreamGate } from "../replication/stream-gate.js";
import type { FaultHandle } from "./types.js";

/** What waits until the link has come somewhere. */
interface Waiting {
  readonly check: () => boolean;
  fail(error: Error): void;
}

/**
 * Control of the link by which a server follows its master. What is set here belongs to the server: it holds for every link
 * that the server makes, after a break, a restart or another REPLICAOF too. On a master it waits for the day it follows one.
 */
export class LinkControl {
  readonly #closers = new Set<object>();
  readonly #delays = new Set<{ readonly ms: number }>();
  readonly #behind = new Set<{ readonly bytes: number }>();
  readonly #ackHolds = new Set<object>();
  #cutAfter: number | null = null;
  #cutPayloadAt: number | null = null;
  #limit: number | null = null;
  readonly #waiting = new Set<Waiting>();
  #replication: Replication | null = null;
  #gate: StreamGate | null = null;
  #clock: Clock | null = null;

  /** A run of the server begins. @internal */
  attach(replication: Replication, clock: Clock): void {
    this.#detach("the server was restarted");
    this.#replication = replication;
    this.#clock = clock;
    this.#apply();
  }

  /** The server is gone. @internal */
  detach(): void {
    this.#detach("the server is down");
  }

  /** The link was made anew. @internal */
  linkChanged(): void {
    this.#apply();
  }

  /** Where the link is; null on a master, and on a server that is down. */
  get state(): "connect" | "connecting" | "handshake" | "sync" | "connected" | null {
    return this.#replication?.link?.state ?? null;
  }

  /** Whom it leads to; null on a master. */
  get master(): { readonly host: string; readonly port: number } | null {
    const link = this.#replication?.link;
    return link ? { host: link.host, port: link.port } : null;
  }

  /** Bytes of the stream that came and are held by this control. */
  get heldBytes(): number {
    return this.#gate?.heldBytes ?? 0;
  }

  /** Holds the stream: the link stays up and the replica keeps what it has, until `clear()`, `resume()` or a step. */
  pause(): FaultHandle {
    return this.#put(this.#closers, {});
  }

  /** Each piece of the stream arrives `ms` milliseconds late, GETACK and PING included. */
  delay(ms: number): FaultHandle {
    if (!(ms >= 0 && Number.isFinite(ms))) throw new RangeError(`delay: milliseconds must be from 0 on, got ${ms}`);
    return this.#put(this.#delays, { ms });
  }

  /** The last `bytes` bytes of the stream never arrive: the replica stays that far behind. */
  stayBehind(bytes: number): FaultHandle {
    return this.#put(this.#behind, { bytes: positive(bytes, "stayBehind") });
  }

  /** Resets the link when `bytes` more bytes of the stream have arrived; once. What is in the air then is lost. */
  cutAfter(bytes: number): FaultHandle {
    this.#cutAfter = positive(bytes, "cutAfter");
    this.#apply();
    return {
      clear: () => {
        this.#cutAfter = null;
        if (this.#gate) this.#gate.cutAfter = null;
      },
    };
  }

  /** Resets the link in the middle of the next full resync, when `bytes` bytes of its payload have come; once. Default 1. */
  cutInPayload(bytes = 1): FaultHandle {
    this.#cutPayloadAt = positive(bytes, "cutInPayload");
    this.#apply();
    return {
      clear: () => {
        this.#cutPayloadAt = null;
        const link = this.#replication?.link;
        if (link) link.cutPayloadAt = null;
      },
    };
  }

  /** Nothing is acknowledged: the master sees the replica's offset stand still, WAIT doesn't count it. */
  holdAcks(): FaultHandle {
    return this.#put(this.#ackHolds, {});
  }

  /** Breaks the link now; the replica connects again and asks to go on. */
  break(): void {
    this.#replication?.link?.break();
  }

  /**
   * Lets the stream go on up to `offset` and no further: the replica applies the commands that end there or before. Resolves
   * when it has received so much. The link is paused then, until `resume()`.
   * @throws Error after `timeoutMs` milliseconds of the server's clock (default 10 000), or when the server stops
   */
  async stepTo(offset: number, timeoutMs = 10_000): Promise<void> {
    this.#limit = offset;
    if (this.#closers.size === 0) this.#closers.add(STEPPING);
    this.#apply();
    await this.#until(() => this.#received() >= offset, timeoutMs, `offset ${offset}`);
  }

  /**
   * Lets exactly so many commands of the stream pass, SELECT, MULTI and PING included, and resolves with them. The link is
   * paused before and after.
   * @throws Error as {@link stepTo} does
   */
  async step(commands = 1, timeoutMs = 10_000): Promise<readonly (readonly string[])[]> {
    if (this.#closers.size === 0) this.#closers.add(STEPPING);
    this.#apply();
    let found: ReturnType<StreamGate["peek"]> = null;
    await this.#until(() => (found ??= this.#gate?.peek(commands) ?? null) !== null, timeoutMs, "the next command");
    const { commands: passed, bytes } = found as unknown as NonNullable<ReturnType<StreamGate["peek"]>>;
    await this.stepTo(this.#received() + bytes, timeoutMs);
    return passed.map((argv) => argv.map((word) => Buffer.from(word, "latin1").toString("utf8")));
  }

  /** Lifts every hold of this control; what was held goes on. */
  resume(): void {
    for (const set of [this.#closers, this.#delays, this.#behind, this.#ackHolds]) set.clear();
    this.#cutAfter = this.#cutPayloadAt = this.#limit = null;
    if (this.#gate) this.#gate.cutAfter = null;
    this.#apply();
  }

  #detach(why: string): void {
    this.#gate?.reset();
    this.#gate = null;
    this.#replication = null;
    for (const waiting of [...this.#waiting]) waiting.fail(new Error(why));
  }

  #received(): number {
    const replication = this.#replication;
    return replication ? replication.offset + replication.applier.behind : -1;
  }

  #put<T>(set: Set<T>, fault: T): FaultHandle {
    set.add(fault);
    this.#apply();
    return {
      clear: () => {
        if (!set.delete(fault)) return;
        if (this.#closers.size === 0) this.#limit = null;
        this.#apply();
      },
    };
  }

  #apply(): void {
    const replication = this.#replication;
    if (!replication) return;
    const { link } = replication;
    if (link) {
      const held = this.#ackHolds.size > 0;
      const freed = link.acksHeld && !held;
      link.acksHeld = held;
      if (freed) link.ack(replication.offset);
      if (this.#cutPayloadAt !== null) {
        link.cutPayloadAt = this.#cutPayloadAt;
        this.#cutPayloadAt = null;
      }
    }
    const needed = this.#closers.size + this.#delays.size + this.#behind.size > 0 || this.#cutAfter !== null;
    if (!needed && !this.#gate) return;
    const gate = (this.#gate ??= this.#makeGate(replication));
    gate.closed = this.#closers.size > 0;
    gate.limit = this.#limit;
    gate.delayMs = Math.max(0, ...[...this.#delays].map(({ ms }) => ms));
    gate.behind = Math.max(0, ...[...this.#behind].map(({ bytes }) => bytes));
    if (this.#cutAfter !== null) {
      gate.cutAfter = this.#cutAfter;
      this.#cutAfter = null;
    }
    gate.release();
  }

  #makeGate(replication: Replication): StreamGate {
    const gate = new StreamGate({
      clock: this.#clock as Clock,
      pass: (chunk) => replication.applier.push(chunk),
      received: () => replication.offset + replication.applier.behind,
      unparsed: () => replication.applier.unparsed,
      cut: () => replication.link?.break(),
    });
    gate.onChange = () => {
      for (const waiting of [...this.#waiting]) waiting.check();
    };
    replication.gate = gate;
    return gate;
  }

  async #until(reached: () => boolean, timeoutMs: number, what: string): Promise<void> {
    const clock = this.#clock;
    if (!this.#replication?.link || !clock) throw new Error("this server follows no master");
    if (reached()) return;
    const done = deferred<void>();
    const waiting: Waiting = {
      check: () => {
        const there = reached();
        if (there) done.resolve();
        return there;
      },
      fail: (error) => done.reject(error),
    };
    const timer = clock.setTimer(
      () =>
        done.reject(new Error(`the link did not come to ${what} within ${timeoutMs} ms: ${this.state ?? "no link"}`)),
      timeoutMs,
    );
    this.#waiting.add(waiting);
    try {
      await done.promise;
    } finally {
      clock.clearTimer(timer);
      this.#waiting.delete(waiting);
    }
  }
}

/** Stands for the pause that a step begins. */
const STEPPING = {};

function positive(bytes: number, what: string): number {
  if (!(Number.isInteger(bytes) && bytes >= 1)) throw new RangeError(`${what}: bytes must be at least 1, got ${bytes}`);
  return bytes;
}
