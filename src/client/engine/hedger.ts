import type { Clock, TimerHandle } from "../../core/clock.js";
import { Fifo } from "../../core/fifo.js";
import type { IssuedCommand } from "../connection/lean-command.js";
import type { SocketBatch } from "../connection/socket-batch.js";
import type { ReplyContext } from "../connection/wire-command.js";
import { Operation, type OperationSink } from "./operation.js";

/** What hedging asks of whoever owns it. */
export interface HedgeHost extends OperationSink {
  readonly clock: Clock;
  /** How many of a hundred reads may be asked twice. */
  readonly hedgePercent: number;
  /** Sends the copy to another node than that which the read waits for; false = no other may serve it now. */
  sendSecond(copy: Operation, read: Operation): boolean;
}

/** Second questions that may be saved up for a bad moment. */
const MOST_SAVED = 10;
/** Reads that are watched at once for one delay; further ones are not asked twice. */
const MOST_WATCHED = 10_000;

interface Waiting {
  readonly read: Operation;
  readonly dueAt: number;
}

/**
 * Asks a second node for a read that the first one has kept waiting too long; the first good answer is the read's. The
 * copy is a read like any other, judged by the same need and by a fence of its own, but it is sent only once. Second
 * questions are rationed, so that nodes that are slow because of their load are not given twice as much of it.
 */
export class Hedger {
  /** Reads that were sent to a second node. */
  sent = 0;
  readonly #queues = new Map<number, Fifo<Waiting>>();
  #timer: TimerHandle | null = null;
  #timerAt = Number.POSITIVE_INFINITY;
  #saved = 1;

  constructor(private readonly host: HedgeHost) {}

  /** A read was sent to a replica; unless it is answered within `afterMs`, another one is asked too. */
  watch(read: Operation, afterMs: number): void {
    this.#saved = Math.min(MOST_SAVED, this.#saved + this.host.hedgePercent / 100);
    let queue = this.#queues.get(afterMs);
    if (queue === undefined) {
      queue = new Fifo();
      this.#queues.set(afterMs, queue);
    }
    while (queue.peek()?.read.settled) queue.shift();
    if (queue.length >= MOST_WATCHED) return;
    const dueAt = this.host.clock.now() + afterMs;
    queue.push({ read, dueAt });
    if (dueAt < this.#timerAt) this.#arm(dueAt);
  }

  stop(): void {
    this.host.clock.clearTimer(this.#timer);
    this.#queues.clear();
  }

  #arm(at: number): void {
    const { clock } = this.host;
    clock.clearTimer(this.#timer);
    this.#timerAt = at;
    this.#timer = clock.setTimer(() => this.#due(), Math.max(0, at - clock.now()));
  }

  #due(): void {
    const now = this.host.clock.now();
    let next = Number.POSITIVE_INFINITY;
    this.#timerAt = next;
    for (const [afterMs, queue] of this.#queues) {
      for (let first = queue.peek(); first !== undefined; first = queue.peek()) {
        if (!first.read.settled && first.dueAt > now) break;
        queue.shift();
        if (!first.read.settled) this.#ask(first.read);
      }
      const first = queue.peek();
      if (first === undefined) this.#queues.delete(afterMs);
      else next = Math.min(next, first.dueAt);
    }
    if (next < Number.POSITIVE_INFINITY) this.#arm(next);
  }

  #ask(read: Operation): void {
    // Not on its way at all now, gone to the master, or answered and waiting for the fence behind it.
    const waits = read.flush !== null && !read.inLane && read.reply === undefined && read.parkedError === null;
    if (!waits || this.#saved < 1) return;
    const copy = copyOf(read, this.host);
    if (!this.host.sendSecond(copy, read)) return;
    this.#saved--;
    this.sent++;
    const before = read.onSettled;
    read.onSettled = () => {
      before?.();
      copy.settled = true;
    };
  }
}

/** The same read once more. Its reply or error is the read's own, if that has none yet. */
function copyOf(read: Operation, sink: OperationSink): Operation {
  const copy = new Operation(new SecondCommand(read), read.spec, read.view, read.db, read.issuedAt, sink, () => {});
  copy.order = read.order;
  copy.session = read.session;
  copy.spare = true;
  return copy;
}

class SecondCommand implements IssuedCommand {
  readonly wantsText: boolean;
  readonly writeTo?: (batch: SocketBatch) => number;

  constructor(private readonly read: Operation) {
    const { command } = read;
    this.wantsText = read.wantsText;
    if (command.writeTo !== undefined) this.writeTo = command.writeTo.bind(command);
  }

  get name(): string {
    return this.read.command.name;
  }

  get args(): readonly unknown[] {
    return this.read.command.args;
  }

  get promise(): Promise<unknown> {
    return this.read.command.promise;
  }

  resolve(reply: unknown): void {
    this.read.succeed(reply);
  }

  reject(error: Error): void {
    this.read.fail(error);
  }

  setReplyContext(context: ReplyContext): void {
    this.read.command.setReplyContext(context);
  }

  toWritable(socket: object): string | Buffer {
    return this.read.command.toWritable(socket);
  }
}
