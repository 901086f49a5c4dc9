import { ConnectionBoundError, UnknownOutcomeError } from "../../errors/kinds.js";
import type { Carrier } from "./carrier.js";
import type { ConnectionPool, PooledConnection } from "./connection-pool.js";
import { DedicatedCommand, LostReply } from "./dedicated-command.js";
import type { DedicatedHost, UserCommand } from "./host.js";
import { type MessageSink, Subscriber } from "./subscriber.js";

/** After these nobody else can be given the connection as it is. */
const CHANGES_THE_CONNECTION = /^(?:auth|client|script|asking|readonly|readwrite|debug)$/;
const ASKS_OF_THE_CONNECTION = /^(?:id|info|getname|getredir|list|trackinginfo)$/i;

/**
 * A pooled connection that is lent to one function: every command goes over it, in order, and nothing is tried again
 * elsewhere. When the function has ended it is cleaned and given back, or destroyed where it can't be.
 */
export class BoundConnection implements Carrier {
  #multi = false;
  #watching = false;
  #spoilt = false;
  #pending = 0;
  /** Why it can't be used any more; null = it can. */
  #over: string | null = null;
  #ended = false;
  #subscriber: Subscriber | null = null;

  constructor(
    private readonly host: DedicatedHost,
    private readonly pool: ConnectionPool,
    private readonly pooled: PooledConnection,
    private readonly sink: MessageSink,
  ) {}

  get node(): string {
    return this.pooled.target.node;
  }

  /** Everything belongs here. */
  wants(): boolean {
    return true;
  }

  /** Rejects with the server's error reply, ConnectionBoundError (not applied) or UnknownOutcomeError. */
  async carry(command: UserCommand, db: number, writes = true): Promise<unknown> {
    const name = command.name.toLowerCase();
    const { node } = this;
    if (this.#over !== null)
      throw new ConnectionBoundError(`The lent connection can't be used any more: ${this.#over}`, {
        node,
        command: name,
        // Lost before this command, it may be asked for anew; ended, whoever still holds it has made a mistake.
        retriable: !this.#ended,
      });
    if (Subscriber.handles(name)) return this.#subscriptions().execute(command);
    const inMulti = this.#multi;
    this.#note(name, command.args);
    this.#pending++;
    try {
      return await new DedicatedCommand(command, db).sendOn(this.pooled.connection);
    } catch (error) {
      if (!(error instanceof LostReply)) throw error;
      this.host.requestCheck(node);
      this.#over ??= `it was lost (${error.reason})`;
      if (error.sent && (name === "exec" || (writes && !inMulti)))
        throw new UnknownOutcomeError(`the connection was lost: ${error.reason}`, { node, command: name });
      throw new ConnectionBoundError(`The lent connection was lost (${error.reason})`, {
        node,
        command: name,
        retriable: true,
      });
    } finally {
      this.#pending--;
    }
  }

  /** A node that still answers says itself what became of an EXEC on its way: cut off, that would be unknown. */
  abandon(reason: string, lost: boolean): void {
    // Given back, the connection may be somebody else's by now.
    if (this.#ended) return;
    this.#over ??= reason;
    if (!lost && this.#pending > 0) return;
    this.#subscriber?.close();
    this.pool.discard(this.pooled, reason);
  }

  /** The function has ended: gives the connection back as clean as it came, or destroys it. */
  async end(): Promise<void> {
    if (this.#over !== null) {
      this.abandon(this.#over, true);
      this.#ended = true;
      return;
    }
    this.#ended = true;
    this.#over = "the function that it was lent to has ended";
    this.#subscriber?.close();
    // A command that nobody waited for may block for ever.
    if (this.#spoilt || this.#pending > 0 || this.pooled.connection.state !== "open") {
      this.pool.discard(this.pooled, this.#over);
      return;
    }
    const cleanUp = this.#multi ? "DISCARD" : this.#watching ? "UNWATCH" : null;
    if (cleanUp !== null && !(await this.#says(cleanUp))) this.pool.discard(this.pooled, "it could not be cleaned");
    else this.pool.release(this.pooled);
  }

  /** Sends a command of our own; false if it failed. */
  #says(word: string): Promise<boolean> {
    return new Promise((resolve) => {
      const { connection } = this.pooled;
      connection.internal([word], (_reply, error) => resolve(error === null));
    });
  }

  #note(name: string, args: readonly unknown[]): void {
    if (name === "multi") this.#multi = true;
    else if (name === "exec" || name === "discard") this.#multi = this.#watching = false;
    else if (name === "watch") this.#watching = true;
    else if (name === "unwatch" && !this.#multi) this.#watching = false;
    else if (CHANGES_THE_CONNECTION.test(name) && !(name === "client" && ASKS_OF_THE_CONNECTION.test(String(args[0]))))
      this.#spoilt = true;
  }

  #subscriptions(): Subscriber {
    const { target } = this.pooled;
    this.#subscriber ??= new Subscriber(
      { ...this.host, fixed: true, master: async () => target, currentMaster: () => target.node },
      this.sink,
    );
    return this.#subscriber;
  }
}
