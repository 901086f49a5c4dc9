import type { Clock, TimerHandle } from "../../core/clock.js";
import type { Fence } from "../../protocol/info.js";
import type { NodeConnection } from "../connection/node-connection.js";
import { NotReplicatedError, QueueFullError } from "../errors.js";
import type { NodeLink } from "./node-link.js";
import type { Operation } from "./operation.js";

/** What waiting for replicas needs to see. */
export interface AckHost {
  readonly clock: Clock;
  readonly options: { readonly limits: { readonly queuedCommands: number } };
  readonly links: ReadonlyMap<string, NodeLink>;
  readonly history: { readonly replid: string } | null;
  /** Asks master and replicas how far they are. */
  refreshMarks(): void;
}

interface Waiter {
  readonly operation: Operation;
  readonly reply: unknown;
  readonly replid: string;
  readonly wanted: number;
  readonly deadline: number;
  readonly succeed: () => void;
  /** At least this much must be applied; null until a fence of the master, sent behind the write, has said. */
  bound: number | null;
}

/** How often replicas are asked while a durable write waits, in milliseconds. */
const STEP_MS = 2;

/**
 * Durable writes: the write is applied, and now as many replicas must be seen to have applied it too. It is not
 * the server's WAIT that is asked, which would hold up everything behind it on the shared connection and speaks of
 * other writes on other versions, but the replicas themselves.
 */
export class AckWaiter {
  #waiters: Waiter[] = [];
  #timer: TimerHandle | null = null;

  constructor(private readonly host: AckHost) {}

  /** Why this call can't be waited for, before it is sent; null = it can. */
  refusal({ view, spec, name }: Operation): QueueFullError | null {
    const { queuedCommands } = this.host.options.limits;
    if (view.ack === null || spec.effects === "none" || this.#waiters.length < queuedCommands) return null;
    return new QueueFullError("limits.queuedCommands", queuedCommands, { command: name });
  }

  /**
   * The write was answered. `succeed` hands its reply out. `bound`: an offset that is known to cover it; without one
   * the next fence on the connection that it was answered on tells.
   */
  wait(operation: Operation, reply: unknown, succeed: () => void, bound: number | null = null): void {
    const { ack } = operation.view;
    const replid = this.host.history?.replid;
    if (ack === null || replid === undefined) {
      succeed();
      return;
    }
    const deadline = this.host.clock.now() + ack.timeoutMs;
    this.#waiters.push({ operation, reply, replid, wanted: this.#wanted(operation), deadline, succeed, bound });
    this.host.refreshMarks();
    this.#timer ??= this.host.clock.setTimer(this.#step, STEP_MS, true);
  }

  /**
   * As {@link wait}, for a write that was answered on another connection than the lane's: `lane` is asked behind it
   * where the master stands now, because fences on their way may have been answered before.
   */
  waitElsewhere(operation: Operation, reply: unknown, succeed: () => void, lane: NodeConnection | null): void {
    const replid = this.host.history?.replid;
    const judge = (fence: Fence | null): void => {
      if (operation.settled) return;
      if (fence?.role === "master" && fence.replid === replid && replid === this.host.history?.replid)
        this.wait(operation, reply, succeed, fence.offset);
      else this.#fail(operation, reply, 0, this.#wanted(operation));
    };
    if (lane?.state === "open") lane.fenceInFront(judge);
    else judge(null);
  }

  /** A fence of the master came back: it stood behind every write that was answered before it. */
  masterAt(offset: number): void {
    for (const waiter of this.#waiters) waiter.bound ??= offset;
  }

  /** Marks may have moved. */
  check(): void {
    if (this.#waiters.length === 0) return;
    const now = this.host.clock.now();
    this.#waiters = this.#waiters.filter((waiter) => !this.#settle(waiter, now));
  }

  stop(error: (operation: Operation) => Error): void {
    this.host.clock.clearTimer(this.#timer);
    this.#timer = null;
    for (const { operation } of this.#waiters.splice(0)) end(operation, error(operation));
  }

  readonly #step = (): void => {
    this.#timer = null;
    this.check();
    if (this.#waiters.length === 0) return;
    this.host.refreshMarks();
    this.#timer = this.host.clock.setTimer(this.#step, STEP_MS, true);
  };

  #settle(waiter: Waiter, now: number): boolean {
    const replid = this.host.history?.replid;
    const acked = waiter.bound !== null && replid === waiter.replid ? this.#having(waiter.replid, waiter.bound) : 0;
    if (acked >= waiter.wanted && waiter.bound !== null) {
      waiter.succeed();
      return true;
    }
    // A new history: what the replicas have now says nothing of this write any more.
    if (now < waiter.deadline && replid === waiter.replid) return false;
    this.#fail(waiter.operation, waiter.reply, acked, waiter.wanted);
    return true;
  }

  /**
   * How many replicas have applied that much. Servers are counted, not addresses: two that lead to one server are one
   * copy of the data, and one behind which the master itself was found is none at all.
   */
  #having(replid: string, offset: number): number {
    const links = [...this.host.links.values()];
    const counted = links.filter(({ isMaster }) => isMaster).map(({ mark }) => mark.runId);
    let count = 0;
    for (const { isMaster, mark } of links) {
      if (isMaster || mark.replid !== replid || mark.offset < offset) continue;
      if (mark.runId !== "") {
        if (counted.includes(mark.runId)) continue;
        counted.push(mark.runId);
      }
      count++;
    }
    return count;
  }

  #wanted({ view: { ack } }: Operation): number {
    if (ack === null) return 0;
    if (typeof ack.replicas === "number") return ack.replicas;
    const replicas = [...this.host.links.values()].filter((link) => !link.isMaster).length;
    return ack.replicas === "all" ? replicas : Math.floor((replicas + 1) / 2);
  }

  #fail(operation: Operation, reply: unknown, acked: number, wanted: number): void {
    const place = { node: operation.connection?.node, command: operation.name };
    end(operation, new NotReplicatedError({ reply, acked, wanted }, place));
  }
}

/** Of a transaction EXEC has failed; what was said to the commands in it stands. */
function end(operation: Operation, error: Error): void {
  operation.fail(error);
  operation.transaction?.settle();
}
