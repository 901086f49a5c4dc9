import { Backoff } from "../../../core/backoff.js";
import type { Clock, TimerHandle } from "../../../core/clock.js";
import { deferred } from "../../../core/deferred.js";
import { classifyRefusal } from "../../../protocol/reply-errors.js";
import {
  AbortedError,
  ClientClosedError,
  ConnectionBoundError,
  TimeoutError,
  UnknownOutcomeError,
} from "../../errors/kinds.js";
import { blockingTimeoutMs, withTimeout } from "./blocking-arguments.js";
import type { ConnectionPool, PooledConnection } from "./connection-pool.js";
import { DedicatedCommand, LostReply } from "./dedicated-command.js";
import type { DedicatedCall, DedicatedHost, UserCommand } from "./host.js";

/** What CLIENT UNBLOCK … ERROR makes a blocked command answer. */
const UNBLOCKED_BY_CLIENT = "UNBLOCKED client unblocked via CLIENT UNBLOCK";

/** A command that was at it for so long did not fail at once; what it meets then is new trouble. */
const STEADY_MS = 1000;

/** One blocking command at work. */
interface Running {
  readonly pooled: PooledConnection;
  /** We had it unblocked because its node is the master no more. */
  unblocked: boolean;
  /** Ends it if the old master does not answer. */
  timer: TimerHandle | null;
}

/** Nothing was taken: ask again. */
class Again {
  constructor(readonly because: Error) {}
}

/**
 * Runs commands that block, each alone on a connection to the master, so that they stall nobody.
 *
 * At a failover a blocked command is asked again on the new master for what is left of its own timeout, if it
 * is certain that it took nothing: the demoted server says so, or is made to by CLIENT UNBLOCK. If neither is
 * to be had and it may have taken something, its outcome is unknown.
 */
export class BlockingCommands {
  readonly #running = new Set<Running>();
  #closed = false;

  constructor(
    private readonly host: DedicatedHost,
    private readonly pool: ConnectionPool,
  ) {}

  /** Runs one command. Resolves with the reply as it came from the wire. */
  async run(command: UserCommand, call: DedicatedCall): Promise<unknown> {
    const { clock } = this.host;
    const startedAt = clock.now();
    const cancel = new Cancellation(this.host, command, call);
    const backoff = new Backoff({ firstMs: 10, maxMs: 500 }, this.host.random);
    let failingSince: number | null = null;
    try {
      const limit = blockingTimeoutMs(command);
      for (let attempt = command; ; ) {
        const triedAt = clock.now();
        const outcome = await this.#once(attempt, call, cancel);
        if (!(outcome instanceof Again)) return outcome;
        cancel.sent = false;
        const now = clock.now();
        if (limit !== null && now - startedAt >= limit) return null; // as a server answers when the time is up
        if (failingSince === null || now - triedAt >= STEADY_MS) {
          failingSince = now;
          backoff.reset();
        } else if (now - failingSince >= this.host.options.failoverTimeoutMs) throw outcome.because;
        await cancel.guard(pause(clock, backoff.next()));
        if (limit !== null) attempt = withTimeout(command, Math.max(1, limit - (clock.now() - startedAt)));
      }
    } finally {
      cancel.stop();
    }
  }

  /** The master is now `node`: what is blocked elsewhere is brought back, and asked again there. */
  masterChanged(node: string): void {
    for (const running of this.#running) {
      if (running.pooled.target.node !== node && !running.unblocked) void this.#bringBack(running);
    }
  }

  /** A node is gone: what is blocked there will get no answer. */
  nodeLost(node: string, reason: string): void {
    for (const { pooled } of this.#running) {
      if (pooled.target.node === node) this.pool.discard(pooled, reason);
    }
  }

  /** From now on lost connections are the client's own doing. */
  close(): void {
    this.#closed = true;
  }

  /** Runs it on one connection. */
  async #once(command: UserCommand, call: DedicatedCall, cancel: Cancellation): Promise<unknown> {
    const pooled = await cancel.guard(this.pool.acquire(command.name), (late) => this.pool.release(late));
    const running: Running = { pooled, unblocked: false, timer: null };
    this.#running.add(running);
    try {
      const carried = new DedicatedCommand(command, call.db);
      cancel.sent = true;
      if (/^wait/i.test(command.name)) await this.#barrier(pooled);
      const reply = await cancel.guard(carried.sendOn(pooled.connection));
      // A CLIENT UNBLOCK that is still on its way would call off whatever blocks on this connection next.
      if (running.unblocked) this.pool.discard(pooled, "its node is the master no more");
      else this.pool.release(pooled);
      return reply;
    } catch (error) {
      return this.#failed(error as Error, command, call, running);
    } finally {
      this.host.clock.clearTimer(running.timer);
      this.#running.delete(running);
    }
  }

  #failed(error: Error, command: UserCommand, call: DedicatedCall, { pooled, unblocked }: Running): Again {
    const { node } = pooled.target;
    const place = { node, command: command.name };
    if (error instanceof LostReply) {
      this.pool.discard(pooled, error.reason);
      if (this.#closed) throw new ClientClosedError({ ...place, sent: error.sent ? "unknown" : "no" });
      this.host.requestCheck(node);
      if (this.host.fixed && !error.sent)
        throw new ConnectionBoundError(`${node} can't be reached: ${error.reason}`, { ...place, retriable: true });
      if (!this.host.fixed && (!error.sent || call.readOnly)) return new Again(error);
      throw new UnknownOutcomeError(error.message, { ...place, cause: error });
    }
    if (error.name !== "ReplyError") {
      // Given up by the caller; the command is still blocked there.
      this.pool.discard(pooled, "given up");
      throw error;
    }
    const refusal = classifyRefusal(error.message, command.name);
    if (refusal?.smellsOfFailover) this.host.requestCheck(node);
    const retry = refusal?.retry || (unblocked && error.message === UNBLOCKED_BY_CLIENT);
    // A node that refuses is not asked again before something has changed; a new connection waits for that.
    if (refusal?.smellsOfFailover || unblocked) this.pool.discard(pooled, "refused");
    else this.pool.release(pooled);
    // WAIT speaks of writes on a master that is none any more: elsewhere it would count what never got there.
    if (!retry || this.host.fixed || /^wait/i.test(command.name)) throw error;
    return new Again(error);
  }

  /**
   * WAIT on a connection that has written nothing answers at once. So something is written first that changes no
   * data and is replicated: what the client wrote before stands in front of it in the stream.
   */
  async #barrier({ connection }: PooledConnection): Promise<void> {
    const done = deferred<void>();
    connection.internal(["PUBLISH", "__ioreplica:wait", ""], (_reply, error) => {
      if (!error) done.resolve();
      else if (error.name === "ReplyError") done.reject(error);
      else done.reject(new LostReply(false, connection.reason));
    });
    await done.promise;
  }

  /** Has the old master answer a blocked command, so that it is certain it took nothing. */
  async #bringBack(running: Running): Promise<void> {
    const { pooled } = running;
    const clientId = pooled.connection.identity?.clientId;
    const { heartbeatTimeoutMs } = this.host.options;
    // Demotion itself unblocks it with an error; whichever comes first.
    running.unblocked = true;
    running.timer ??= this.host.clock.setTimer(
      () => this.pool.discard(pooled, "its node is the master no more, and does not answer"),
      heartbeatTimeoutMs,
    );
    if (!clientId) return;
    try {
      const messenger = await this.host.connect(pooled.target);
      messenger.internal(["CLIENT", "UNBLOCK", String(clientId), "ERROR"], () => messenger.destroy("done"));
    } catch {
      // It can't be reached: the timer decides.
    }
  }
}

function pause(clock: Clock, ms: number): Promise<void> {
  const over = deferred<void>();
  clock.setTimer(() => over.resolve(), ms, true);
  return over.promise;
}

/** The caller's own deadline and signal. */
class Cancellation {
  sent = false;
  readonly #given = deferred<never>();
  readonly #stop: () => void;

  constructor(host: DedicatedHost, command: UserCommand, { timeoutMs, signal }: DedicatedCall) {
    this.#given.promise.catch(() => {});
    const sent = (): "no" | "unknown" => (this.sent ? "unknown" : "no");
    const abort = (): void =>
      this.#given.reject(new AbortedError({ command: command.name, sent: sent(), cause: signal?.reason }));
    const timer =
      timeoutMs === null
        ? null
        : host.clock.setTimer(
            () => this.#given.reject(new TimeoutError(timeoutMs, { command: command.name, sent: sent() })),
            timeoutMs,
            true,
          );
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
    this.#stop = () => {
      host.clock.clearTimer(timer);
      signal?.removeEventListener("abort", abort);
    };
  }

  /** The promise, unless the caller gives up first; what then comes late is handed to `late`. */
  async guard<T>(promise: Promise<T>, late?: (value: T) => void): Promise<T> {
    let over = false;
    try {
      return await Promise.race([promise, this.#given.promise]);
    } catch (error) {
      over = true;
      throw error;
    } finally {
      if (over) promise.then(late, () => {});
    }
  }

  stop(): void {
    this.#stop();
  }
}
