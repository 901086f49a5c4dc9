import { ClientClosedError, ConnectionBoundError, UnknownOutcomeError } from "../../errors/kinds.js";
import type { Carrier } from "./carrier.js";
import type { ConnectionPool, PooledConnection } from "./connection-pool.js";
import { DedicatedCommand, LostReply } from "./dedicated-command.js";
import type { DedicatedHost, UserCommand } from "./host.js";

/** Whether keys are being watched, a MULTI is open, or neither. */
type Mode = "free" | "watching" | "multi";

/** From the first WATCH (or MULTI) to the EXEC, DISCARD or UNWATCH that ends it. */
interface Episode {
  readonly db: number;
  readonly lease: Promise<PooledConnection>;
  /** It began with WATCH: losing it must be noticed by the MULTI that relies on it. */
  readonly watched: boolean;
  /** Set once leased. */
  pooled: PooledConnection | null;
  /** Replies that are awaited. */
  pending: number;
}

/**
 * The connection of its own that a view has from WATCH, or from a MULTI that is no pipeline, until EXEC, DISCARD
 * or UNWATCH. WATCH holds on one connection only, so an episode never moves: once its connection is lost,
 * everything up to its EXEC is refused, and nothing of it is applied unguarded.
 */
export class TransactionConnection implements Carrier {
  #mode: Mode = "free";
  #episode: Episode | null = null;

  constructor(
    private readonly host: DedicatedHost,
    private readonly pool: ConnectionPool,
  ) {}

  /** Must the view's next command go here? In a MULTI everything must, while watching what belongs to it. */
  wants(name: string): boolean {
    switch (this.#mode) {
      case "multi":
        return true;
      case "watching":
        return /^(?:multi|exec|discard|watch|unwatch)$/i.test(name);
      case "free":
        return /^watch$/i.test(name);
    }
  }

  /**
   * Carries one command, in the order of calls. Resolves with the reply as it came from the wire; rejects with the
   * server's error reply, ConnectionBoundError (nothing of the episode is applied) or UnknownOutcomeError (EXEC
   * was sent and no reply came). MULTI begins an episode too: call it for a MULTI that is no pipeline.
   */
  async carry(command: UserCommand, db: number): Promise<unknown> {
    const name = command.name.toLowerCase();
    if (this.#mode === "free" && name === "unwatch") return Buffer.from("OK");
    if (this.#episode && isLost(this.#episode) && (name === "watch" || (name === "multi" && this.#mode === "multi"))) {
      // Whoever begins anew relies on nothing of what was lost.
      this.#mode = "free";
      this.#endIfOver(this.#episode);
      this.#episode = null;
    }
    const episode = (this.#episode ??= this.#begin(name, db));
    this.#advance(name);
    episode.pending++;
    try {
      const pooled = await episode.lease;
      return await new DedicatedCommand(command, episode.db).sendOn(pooled.connection);
    } catch (error) {
      if (!(error instanceof LostReply)) throw error;
      // What they ask for, the loss has brought about.
      if (name === "unwatch" || name === "discard") return Buffer.from("OK");
      if (name === "multi" && this.#episode === episode && this.#mode === "multi") {
        this.#mode = episode.watched ? "watching" : "free";
      }
      throw this.#lost(error, name, episode);
    } finally {
      episode.pending--;
      this.#endIfOver(episode);
    }
  }

  /** Ends the episode's connection: its node is the master no more, or the client is closed. */
  abandon(reason: string): void {
    // One that is still being leased ends when it is there.
    this.#episode?.lease.then(
      (pooled) => this.pool.discard(pooled, reason),
      () => {},
    );
  }

  /** Id of the node on which an episode runs, or null. */
  get node(): string | null {
    return this.#episode?.pooled?.target.node ?? null;
  }

  #begin(name: string, db: number): Episode {
    const lease = this.pool.acquire(name);
    const episode: Episode = { db, lease, watched: name === "watch", pooled: null, pending: 0 };
    lease.then(
      (pooled) => {
        episode.pooled = pooled;
      },
      () => {
        // Nothing was watched, so there is nothing to guard: the next WATCH begins anew.
        if (this.#episode !== episode) return;
        this.#episode = null;
        this.#mode = "free";
      },
    );
    return episode;
  }

  #advance(name: string): void {
    if (name === "multi") this.#mode = "multi";
    else if (name === "exec" || name === "discard") this.#mode = "free";
    else if (name === "unwatch" && this.#mode !== "multi") this.#mode = "free";
    else if (name === "watch" && this.#mode === "free") this.#mode = "watching";
  }

  #endIfOver(episode: Episode): void {
    const current = this.#episode === episode;
    if (episode.pending > 0 || (current && this.#mode !== "free")) return;
    if (current) this.#episode = null;
    if (episode.pooled) this.pool.release(episode.pooled);
  }

  #lost({ sent, reason }: LostReply, name: string, { pooled }: Episode): Error {
    const place = { node: pooled?.target.node, command: name };
    if (pooled) this.host.requestCheck(pooled.target.node);
    if (name === "exec" && sent) return new UnknownOutcomeError(`the connection was lost: ${reason}`, place);
    if (this.pool.closed) return new ClientClosedError({ ...place, sent: "no" });
    return new ConnectionBoundError(
      `The connection of this transaction was lost (${reason}); nothing of it is applied: end it with DISCARD or start again`,
      { ...place, retriable: true },
    );
  }
}

function isLost({ pooled }: Episode): boolean {
  return pooled !== null && pooled.connection.state !== "open";
}
