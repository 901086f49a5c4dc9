import type { Clock, TimerHandle } from "../../core/clock.js";
import { deferred } from "../../core/deferred.js";
import { CausalSession, type Histories, type SessionCount } from "../consistency/session.js";
import { decodeToken, encodeToken } from "../consistency/token.js";
import { InvalidTokenError, QueueFullError, WritesLostError } from "../errors.js";
import type { Operation } from "./operation.js";

/** What sessions need of the engine. */
export interface SessionsHost {
  readonly clock: Clock;
  readonly histories: Histories;
  /** `limits.sessions` */
  readonly limit: number;
  readonly tokenTtlMs: number;
  /** How long a token may be waited for, in milliseconds. */
  readonly waitMs: number;
  /**
   * Asks all nodes about the tokens of unknown histories that the session was given; resolves when it is done, or false
   * if there was no master by `until`.
   */
  lookFor(session: CausalSession, until: number): Promise<boolean>;
  /** Asks the master how far it is, if there is one; `at` is told what a read of it now would surely see. */
  askMaster(at: (offset: number) => void): void;
  /** Why there is no master. */
  noMaster(): Error;
  /** Why none is worth waiting for; null = one is. */
  hopeless(): Error | null;
}

/** What became of the tokens that were given to `session()` and `merge()`. */
export interface TokenCounts {
  /** Garbled, cut, of an unknown version: ignored or refused. */
  readonly invalid: number;
  /** Older than `tokenTtlMs`: the session began with a read of the master. */
  readonly expired: number;
}

/** How often a master is asked again while a token waits for it, in milliseconds. */
const ASK_AGAIN_MS = 20;

/** Makes causal sessions, reads and writes their tokens, and stops their calls where they must be told of a loss. */
export class Sessions {
  readonly #count: SessionCount;
  #invalid = 0;
  #expired = 0;

  constructor(private readonly host: SessionsHost) {
    this.#count = { following: 0, limit: host.limit };
  }

  get tokens(): TokenCounts {
    return Object.freeze({ invalid: this.#invalid, expired: this.#expired });
  }

  create(): CausalSession {
    return new CausalSession(this.host.histories, this.#count);
  }

  /** @throws InvalidTokenError if the token is none and `onInvalid` is `"throw"` */
  merge(session: CausalSession, text: unknown, onInvalid: "new" | "throw"): void {
    const token = decodeToken(text);
    if (token === null) {
      this.#invalid++;
      if (onInvalid === "throw") throw new InvalidTokenError("is garbled or of an unknown version");
    } else if (this.host.clock.epoch() - token.issuedAt > this.host.tokenTtlMs) {
      this.#expired++;
      session.mergeUnknown();
    } else session.merge(token);
  }

  /** The session as a token, once all that it wrote has its offset. Rejects with WritesLostError, NoMasterError. */
  async token(session: CausalSession): Promise<string> {
    const { clock, waitMs } = this.host;
    const until = clock.now() + waitMs;
    for (;;) {
      if (session.unplaced && clock.now() < until && this.host.hopeless() === null)
        await this.host.lookFor(session, until);
      const lost = session.takeUntold();
      if (lost !== null) throw new WritesLostError(lost, { command: "token" });
      const { position } = session;
      if (position !== null) return encodeToken({ ...position, issuedAt: Math.floor(clock.epoch()) });
      const hopeless = this.host.hopeless();
      if (hopeless !== null) throw hopeless;
      if (clock.now() >= until) throw this.host.noMaster();
      // As good as a read of the master, which is what settles a session that can't be placed.
      this.host.askMaster((offset) => {
        if (session.unknown) session.read(offset, true);
      });
      await this.#pause(session);
    }
  }

  /** Why this call of a session may not go on; null = it may. */
  refusal(session: CausalSession | null, operation: Operation): Error | null {
    if (session === null) return null;
    const lost = session.takeUntold();
    if (lost !== null) return new WritesLostError(lost, { command: operation.name });
    if (operation.spec.effects !== "none" && session.overLimit)
      return new QueueFullError("limits.sessions", this.host.limit, { command: operation.name });
    return null;
  }

  async #pause(session: CausalSession): Promise<void> {
    const over = deferred<void>();
    const timer: TimerHandle = this.host.clock.setTimer(() => over.resolve(), ASK_AGAIN_MS, true);
    if (!session.resolved) void session.settled().then(() => over.resolve());
    await over.promise;
    this.host.clock.clearTimer(timer);
  }
}
