import type { Redis } from "ioredis";
import { BlockingCommands } from "./blocking.js";
import { BoundConnection } from "./bound-connection.js";
import type { Carrier } from "./carrier.js";
import { ConnectionPool } from "./connection-pool.js";
import type { DedicatedCall, DedicatedHost, UserCommand } from "./host.js";
import { MonitorConnections } from "./monitor-connection.js";
import { type MessageSink, Subscriber } from "./subscriber.js";
import { TransactionConnection } from "./transaction-connection.js";

/**
 * All connections of one client that are not shared: for commands that block, for WATCH, for subscriptions, for
 * MONITOR. None is opened before it is needed. Views of a client share them.
 */
export class DedicatedConnections {
  readonly subscriber: Subscriber;
  readonly #pool: ConnectionPool;
  readonly #blocking: BlockingCommands;
  readonly #monitors: MonitorConnections;
  readonly #carriers = new Set<WeakRef<Carrier>>();
  #running = 0;
  #idle: (() => void)[] = [];

  /** @param sink where messages of subscriptions are emitted: the client itself */
  constructor(
    private readonly host: DedicatedHost,
    sink: MessageSink,
  ) {
    this.#pool = new ConnectionPool(host);
    this.#blocking = new BlockingCommands(host, this.#pool);
    this.#monitors = new MonitorConnections(host);
    this.subscriber = new Subscriber(host, sink);
  }

  /**
   * Runs a blocking command (BLPOP …, XREAD BLOCK …, WAIT) alone on a connection. Resolves with the reply as it came
   * from the wire. Writes issued before should have been answered: another connection knows no order with them.
   */
  block(command: UserCommand, call: DedicatedCall): Promise<unknown> {
    return this.#count(this.#blocking.run(command, call));
  }

  /** For a view that uses WATCH, or MULTI without pipeline; one per view, kept by it. */
  transactions(): TransactionConnection {
    const connection = new TransactionConnection(this.host, this.#pool);
    this.#carriers.add(new WeakRef(connection));
    return connection;
  }

  /** A connection for one function alone; `end()` it. `sink` takes the messages of what it subscribes to. */
  async lend(command: string, sink: MessageSink): Promise<BoundConnection> {
    const bound = new BoundConnection(this.host, this.#pool, await this.#pool.acquire(command), sink);
    this.#carriers.add(new WeakRef(bound));
    return bound;
  }

  /** As ioredis's `monitor()`. */
  monitor(): Promise<Redis> {
    return this.#monitors.open();
  }

  /** To be called when another node has become the master. */
  masterChanged(node: string): void {
    this.#pool.masterChanged();
    this.#blocking.masterChanged(node);
    this.subscriber.masterChanged(node);
    this.#abandon((at) => at !== node, "its node is the master no more", false);
  }

  /** To be called when a node does not answer any more. */
  nodeLost(node: string, reason: string): void {
    this.#blocking.nodeLost(node, reason);
    this.subscriber.nodeLost(node, reason);
    this.#abandon((at) => at === node, reason, true);
  }

  /** The only node is none any more. Should it come back, what is used of this is used on. */
  nodeRemoved(node: string, error: Error): void {
    this.nodeLost(node, "the node was removed");
    this.#monitors.end();
    this.#pool.nodeRemoved(error);
  }

  /** Whether somebody holds on to it: a subscription, a WATCH, a lent connection. */
  get held(): boolean {
    return this.subscriber.size > 0 || [...this.#carriers].some((reference) => reference.deref() !== undefined);
  }

  /** Resolves when no blocking command is under way. */
  async drained(): Promise<void> {
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Ends everything at once; blocked commands reject with ClientClosedError. */
  close(): void {
    this.#blocking.close();
    this.#monitors.close();
    this.subscriber.close();
    this.#pool.close("the client is closed");
  }

  #abandon(which: (node: string) => boolean, reason: string, lost: boolean): void {
    for (const reference of this.#carriers) {
      const carrier = reference.deref();
      if (!carrier) this.#carriers.delete(reference);
      else if (carrier.node !== null && which(carrier.node)) carrier.abandon(reason, lost);
    }
  }

  async #count<T>(promise: Promise<T>): Promise<T> {
    this.#running++;
    try {
      return await promise;
    } finally {
      if (--this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }
}
