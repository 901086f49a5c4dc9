import { createPool, type Pool } from "generic-pool";
import { Backoff } from "../../../core/backoff.js";
import type { TimerHandle } from "../../../core/clock.js";
import { deferred } from "../../../core/deferred.js";
import { ClientClosedError, NoMasterError, PoolExhaustedError, QueueFullError } from "../../errors/kinds.js";
import type { Target } from "../address.js";
import type { NodeConnection } from "../node-connection.js";
import type { DedicatedHost } from "./host.js";

/** A pooled connection to the master; whoever holds it is alone on it. */
export class PooledConnection {
  idleTimer: TimerHandle | null = null;

  constructor(
    readonly connection: NodeConnection,
    readonly target: Target,
  ) {}
}

/** `null` stands where nothing could be opened and nobody waits any more: the factory must not reject. */
type Slot = { readonly pooled: PooledConnection | null };

/**
 * Connections to the master, each lent to one user at a time. generic-pool keeps the books; time and failures
 * are ours: its factory never rejects (a rejecting one is called again at once, without end), it waits for a
 * master and for the gap between tries, and who waits too long is told by a deadline of our own.
 */
export class ConnectionPool {
  readonly #pool: Pool<Slot>;
  readonly #loans = new Map<PooledConnection, Slot>();
  readonly #all = new Set<PooledConnection>();
  readonly #backoff: Backoff;
  readonly #closing = deferred<never>();
  /** Callers that wait for a master, before they wait for a connection to it. */
  #asking = 0;
  #closed = false;
  /** Rejected, and made anew, when another node becomes the master. */
  #stay = deferred<never>();
  /** Rejected, and made anew, when the only node that the connections lead to is removed. */
  #removal = deferred<never>();
  #lastFailure: { node: string; reason: string } | null = null;

  constructor(private readonly host: DedicatedHost) {
    this.#closing.promise.catch(() => {});
    this.#stay.promise.catch(() => {});
    this.#removal.promise.catch(() => {});
    this.#backoff = new Backoff({ firstMs: 20, maxMs: 1000 }, host.random);
    this.#pool = createPool<Slot>(
      {
        create: () => this.#create(),
        destroy: async ({ pooled }) => {
          if (pooled) this.#drop(pooled, "no longer needed");
        },
        // A connection that idled may have ended, or lead to what is the master no more. Once closed anything will
        // do: a slot that is refused is made anew at once, and that would never end.
        validate: async ({ pooled }) => this.#closed || (pooled !== null && this.#fit(pooled)),
      },
      { max: host.options.pool.max, min: 0, testOnBorrow: true, autostart: false },
    );
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Connections that are lent now. */
  get lent(): number {
    return this.#loans.size;
  }

  /** Everything that is lent on nodes other than `node`. */
  lentElsewhere(node: string | null): PooledConnection[] {
    return [...this.#loans.keys()].filter(({ target }) => target.node !== node);
  }

  /**
   * A connection to the master.
   * Rejects with NoMasterError, PoolExhaustedError, QueueFullError or ClientClosedError.
   */
  async acquire(command: string): Promise<PooledConnection> {
    if (this.#closed) throw new ClientClosedError({ command });
    const { limits, pool, failoverTimeoutMs } = this.host.options;
    if (this.#asking + this.#pool.pending >= limits.queuedCommands) {
      throw new QueueFullError("limits.queuedCommands", limits.queuedCommands, { command });
    }
    const startedAt = this.host.clock.now();
    this.#asking++;
    try {
      await this.host.master(command);
    } finally {
      this.#asking--;
    }
    const late = deferred<never>();
    late.promise.catch(() => {});
    let timer = this.host.clock.setTimer(
      () => {
        if (this.#loans.size >= pool.max) {
          late.reject(new PoolExhaustedError(pool.max, pool.acquireTimeoutMs, { command }));
          return;
        }
        // Not the pool is short but the master: that takes as long as a failover may.
        const spent = this.host.clock.now() - startedAt;
        const waitMs = Math.max(0, failoverTimeoutMs - spent);
        timer = this.host.clock.setTimer(() => late.reject(this.#noMaster(startedAt, command)), waitMs, true);
      },
      pool.acquireTimeoutMs,
      true,
    );

    const borrowing = Promise.resolve(this.#pool.acquire());
    try {
      const slot = await Promise.race([borrowing, late.promise, this.#removal.promise, this.#closing.promise]);
      const pooled = slot.pooled;
      if (!pooled) throw new ClientClosedError({ command });
      this.host.clock.clearTimer(pooled.idleTimer);
      pooled.idleTimer = null;
      this.#loans.set(pooled, slot);
      return pooled;
    } catch (error) {
      // The pool still owes a connection to this caller; when it comes it goes straight to the next.
      void borrowing.then(
        (slot) => {
          if (slot.pooled) this.#idle(slot.pooled);
          void this.#pool.release(slot);
        },
        () => {},
      );
      throw error;
    } finally {
      this.host.clock.clearTimer(timer);
    }
  }

  /** Gives a connection back, clean; one that isn't is to be destroyed with {@link discard}. */
  release(pooled: PooledConnection): void {
    const slot = this.#loans.get(pooled);
    if (!slot) return;
    if (!this.#fit(pooled)) {
      this.discard(pooled, pooled.connection.reason || "no longer the master");
      return;
    }
    this.#loans.delete(pooled);
    this.#idle(pooled);
    void this.#pool.release(slot);
  }

  /** Ends a lent connection. */
  discard(pooled: PooledConnection, reason: string): void {
    const slot = this.#loans.get(pooled);
    this.#drop(pooled, reason);
    if (!slot) return;
    this.#loans.delete(pooled);
    void Promise.resolve(this.#pool.destroy(slot)).catch(() => {});
  }

  /** Another node is the master: what is being opened elsewhere is not waited for, a hung server would take long. */
  masterChanged(): void {
    this.#leave(new Error("its node is the master no more"));
  }

  /** The only node is none any more: ends every connection, lent ones too; who waits for one is rejected with `error`. */
  nodeRemoved(error: Error): void {
    const before = this.#removal;
    this.#removal = deferred();
    this.#removal.promise.catch(() => {});
    before.reject(error);
    this.#leave(error);
    for (const pooled of [...this.#all]) this.#drop(pooled, "its node was removed");
  }

  #leave(error: Error): void {
    const before = this.#stay;
    this.#stay = deferred();
    this.#stay.promise.catch(() => {});
    before.reject(error);
  }

  /** Ends every connection at once, lent ones too; who waits for one is rejected. */
  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing.reject(new ClientClosedError());
    for (const pooled of [...this.#all]) this.#drop(pooled, reason);
  }

  #fit({ connection, target }: PooledConnection): boolean {
    return !this.#closed && connection.state === "open" && target.node === this.host.currentMaster();
  }

  #idle(pooled: PooledConnection): void {
    const { clock, options } = this.host;
    clock.clearTimer(pooled.idleTimer);
    // It ends here and leaves generic-pool's books when it would be lent next; that one's own timers are not ours.
    pooled.idleTimer = clock.setTimer(() => this.#drop(pooled, "idle"), options.pool.idleTimeoutMs);
  }

  #drop(pooled: PooledConnection, reason: string): void {
    this.host.clock.clearTimer(pooled.idleTimer);
    pooled.idleTimer = null;
    this.#all.delete(pooled);
    pooled.connection.destroy(reason);
  }

  async #create(): Promise<Slot> {
    while (!this.#closed) {
      let target: Target | null = null;
      try {
        target = await Promise.race([this.host.master("connect"), this.#closing.promise]);
        const connection = await this.#connect(target);
        const pooled = new PooledConnection(connection, target);
        this.#all.add(pooled);
        this.#backoff.reset();
        if (this.#closed) this.#drop(pooled, "the client is closed");
        return { pooled };
      } catch (error) {
        if (target) {
          this.#lastFailure = { node: target.node, reason: error instanceof Error ? error.message : String(error) };
          this.host.requestCheck(target.node);
        }
        // Nobody waits any more: the next who does starts anew.
        if (this.#pool.pending === 0) break;
        await this.#pause(this.#backoff.next());
      }
    }
    return { pooled: null };
  }

  async #connect(target: Target): Promise<NodeConnection> {
    const opening = this.host.connect(target);
    let given = true;
    try {
      return await Promise.race([opening, this.#stay.promise, this.#closing.promise]);
    } catch (error) {
      given = false;
      throw error;
    } finally {
      if (!given) {
        opening.then(
          (connection) => connection.destroy("not needed any more"),
          () => {},
        );
      }
    }
  }

  async #pause(ms: number): Promise<void> {
    const over = deferred<void>();
    const timer = this.host.clock.setTimer(() => over.resolve(), ms, true);
    await Promise.race([over.promise, this.#closing.promise]).catch(() => {});
    this.host.clock.clearTimer(timer);
  }

  #noMaster(startedAt: number, command: string): Error {
    const waited = Math.round(this.host.clock.now() - startedAt);
    return new NoMasterError(waited, this.#lastFailure ? [this.#lastFailure] : [], { command });
  }
}
