import { InvalidArgumentError, QueueFullError } from "../errors.js";
import { isReplyError } from "./reply-kind.js";
import type { Scope } from "./scope.js";

/** A call that waits until it is known whether its database exists. */
export interface WaitingCall {
  readonly name: string;
  /** The database that it selects; null = it is no SELECT. */
  readonly selects: number | null;
  /** Makes the call again, now that its turn has come. */
  run(): void;
  reject(error: Error): void;
}

/** What is asked of the dispatcher. */
export interface DatabasesHost {
  /** Sends SELECT to the server and resolves when it said OK; nothing else runs in that database through it. */
  probe(db: number, scope: Scope): Promise<unknown>;
  /** `limits.queuedCommands`: so many calls wait at most. */
  limit(): number;
  /** A call begins to wait (+1), or has ceased to (−1). */
  waits(change: 1 | -1): void;
}

/**
 * Which databases exist. On a shared connection SELECT travels in the same bytes as the command that needs it, and if
 * it is refused the server runs that command all the same: in the database selected before. So nothing is sent into a
 * database until a server has once said that it has it; until then the calls of that view wait, in order.
 *
 * Database 0 is in every server, and that of the options is asked for when a connection is opened.
 */
export class Databases {
  /** Grows when what was known holds no more: another master may have fewer databases. */
  epoch = 1;
  readonly #known = new Set<number>();
  /** Calls that wait, of all views. */
  #waiting = 0;

  constructor(
    private readonly host: DatabasesHost,
    /** The database of the options. */
    private readonly base: () => number,
  ) {}

  /** Another node is the master. */
  forget(): void {
    this.epoch++;
    this.#known.clear();
  }

  /** May a call of this view go now? If not, it waits. To be asked only when `scope.confirmed` is not {@link epoch}. */
  admits(scope: Scope, call: WaitingCall): boolean {
    if (scope.waiting === null) {
      if (this.#exists(scope.db, scope)) {
        scope.confirmed = this.epoch;
        return true;
      }
      this.#ask(scope, null, null);
    }
    // A SELECT is taken in any case: without it what comes behind would run in another database.
    if (this.#waiting >= this.host.limit() && call.selects === null) {
      call.reject(new QueueFullError("limits.queuedCommands", this.host.limit(), { command: call.name }));
      return false;
    }
    this.#waiting++;
    this.host.waits(1);
    (scope.waiting as unknown as WaitingCall[]).push(call);
    return false;
  }

  /**
   * SELECT: from now on the view's calls are meant for `db`. Resolves with OK once that is known to exist; rejects with
   * the server's error, and the view has its former database again.
   */
  select(scope: Scope, db: number): Promise<unknown> {
    const former = scope.db;
    scope.db = db;
    if (this.#exists(db, scope)) return Promise.resolve("OK");
    return new Promise((resolve, reject) => this.#ask(scope, former, { resolve, reject }));
  }

  #exists(db: number, { node }: Scope): boolean {
    return db === 0 || db === this.base() || (node === null && this.#known.has(db));
  }

  #ask(
    scope: Scope,
    former: number | null,
    caller: {
      resolve(reply: unknown): void;
      reject(error: Error): void;
    } | null,
  ): void {
    const { db } = scope;
    const { epoch } = this;
    scope.waiting = [];
    scope.confirmed = 0;
    this.host.probe(db, scope).then(
      (reply) => {
        if (epoch === this.epoch) {
          if (scope.node === null) this.#known.add(db);
          scope.confirmed = epoch;
        }
        caller?.resolve(reply);
        this.#resume(scope);
      },
      (error: Error) => {
        if (former !== null) scope.db = former;
        caller?.reject(error);
        this.#refuse(scope, db, error);
        this.#resume(scope);
      },
    );
  }

  /** What was meant for a database that can't be had must run in no other: up to the next SELECT all is refused. */
  #refuse(scope: Scope, db: number, error: Error): void {
    const waiting = scope.waiting ?? [];
    const next = waiting.findIndex(({ selects }) => selects !== null);
    for (const call of waiting.splice(0, next < 0 ? waiting.length : next)) {
      call.reject(
        isReplyError(error)
          ? new InvalidArgumentError(`database ${db} can't be used: ${error.message}`, {
              command: call.name,
              cause: error,
            })
          : error,
      );
      this.#waiting--;
      this.host.waits(-1);
    }
  }

  /** Makes the calls that waited; one that selects makes those behind it wait again. */
  #resume(scope: Scope): void {
    const waiting = scope.waiting ?? [];
    scope.waiting = null;
    for (const call of waiting) {
      // It may have to wait again, and its place is its own; but nobody shall think meanwhile that nothing is under way.
      this.#waiting--;
      call.run();
      this.host.waits(-1);
    }
  }
}
