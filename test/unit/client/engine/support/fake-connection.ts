import type { CarriedCommand, Flush, NodeConnection } from "../../../../../src/client/connection/node-connection.js";
import type { Operation } from "../../../../../src/client/engine/operation.js";
import { RefusalClassifier } from "../../../../../src/protocol/reply-errors.js";

/** A server's error reply as ioredis makes it: the name is its mark. */
export function errorReply(text: string): Error {
  return Object.assign(new Error(text), { name: "ReplyError" });
}

/**
 * A connection without a socket: it keeps what it is given, in order, until the test flushes, answers or cuts it. It
 * numbers and counts as {@link NodeConnection} does.
 */
export class FakeConnection {
  state: "open" | "closed" = "open";
  reason = "";
  inFlight = 0;
  inFlightBytes = 0;
  flushedSeq = 0;
  carriedSeq = 0;
  unansweredWrites = false;
  endedByPeer = false;
  readonly refusals = new RefusalClassifier();
  /** Each {@link answer} arrives as one. */
  pieces = 0;
  identity = { runId: "run", clientId: 7 };
  readonly generation = 1;
  /** All that was ever given to it, in order. */
  readonly wire: Operation[] = [];
  readonly #queue: Operation[] = [];
  readonly #fronts: ((fence: unknown) => void)[] = [];
  #seq = 0;
  #flush = this.#newFlush();

  constructor(
    readonly node: string,
    private readonly bytesPerCommand = 10,
  ) {}

  get asReal(): NodeConnection {
    return this as unknown as NodeConnection;
  }

  /** Names and first arguments of what it was given. */
  get log(): string[] {
    return this.wire.map((operation) => [operation.name, ...operation.command.args].map(String).join(" "));
  }

  /** Not answered yet. */
  get unanswered(): readonly Operation[] {
    return this.#queue;
  }

  send(command: CarriedCommand): void {
    const operation = command as Operation;
    operation.connection = this.asReal;
    operation.flush = this.#flush;
    operation.seq = this.carriedSeq = ++this.#seq;
    this.inFlight++;
    if (this.state !== "open") {
      operation.reject(new Error("Connection is closed."));
      return;
    }
    operation.size = this.bytesPerCommand;
    this.inFlightBytes += operation.size;
    if (operation.verified) this.#flush.parked.push(operation);
    this.wire.push(operation);
    this.#queue.push(operation);
  }

  flushNow(): void {
    this.flush();
  }

  answered(command: CarriedCommand): void {
    this.inFlight--;
    this.inFlightBytes -= command.size;
  }

  wasSent(command: CarriedCommand): boolean {
    return command.seq <= this.flushedSeq;
  }

  fenceInFront(judge: (fence: unknown) => void): void {
    this.#fronts.push(judge);
  }

  requestFence(): void {}

  destroy(reason: string): void {
    this.cut(reason);
  }

  /** Hands all that is queued to the socket. */
  flush(): Flush {
    this.flushedSeq = this.#seq;
    const flush = this.#flush;
    this.#flush = this.#newFlush();
    return flush;
  }

  /** Fences that are not answered yet. */
  get fronts(): number {
    return this.#fronts.length;
  }

  /** Answers the fence that was sent in front. */
  answerFront(fence: unknown): void {
    this.#fronts.shift()?.(fence);
  }

  /** Answers the oldest command: text that begins with "-" is an error reply. */
  answer(...replies: unknown[]): void {
    if (this.flushedSeq < this.#seq) this.flush();
    this.pieces++;
    for (const reply of replies) {
      const operation = this.#queue.shift();
      if (operation === undefined) throw new Error("nothing is waiting for a reply");
      if (typeof reply === "string" && reply.startsWith("-")) {
        const text = reply.slice(1);
        if (!operation.refuse(text, errorReply)) operation.reject(errorReply(text));
      } else operation.resolve(typeof reply === "string" ? Buffer.from(reply) : reply);
    }
  }

  /** The oldest command is not waited for any more. */
  drop(): void {
    this.#queue.shift();
  }

  /** The connection ends: all that is unanswered is rejected, oldest first. */
  cut(reason = "closed by the server"): void {
    this.endedByPeer = this.state === "open" && reason === "closed by the server";
    this.state = "closed";
    this.reason = reason;
    for (const operation of this.#queue.splice(0)) operation.reject(new Error("Connection is closed."));
  }

  #newFlush(): Flush {
    return { parked: [], sentAt: 0 } as unknown as Flush;
  }
}
