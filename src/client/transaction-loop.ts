import { Backoff } from "../core/backoff.js";
import type { Clock } from "../core/clock.js";
import { deferred } from "../core/deferred.js";
import type { Random } from "../core/random.js";
import {
  AbortedError,
  ConnectionBoundError,
  decorateReplyError,
  InvalidArgumentError,
  TimeoutError,
  TransactionConflictError,
} from "./errors.js";
import type { ResolvedTransaction } from "./options/lent.js";

/** The chain of `tx.multi()…`, as far as it matters here. */
export interface Chain {
  exec(): Promise<[error: Error | null, result: unknown][] | null>;
}

/** What a connection for one try can do. */
export interface Try {
  watch(): Promise<unknown>;
  /** Runs the application's function on it. */
  run(): Promise<Chain | undefined>;
  /** Gives the connection back, clean. */
  end(): Promise<void>;
}

export interface TransactionHost {
  readonly clock: Clock;
  readonly random: Random;
  /** A connection to the master; waits for one. */
  begin(): Promise<Try>;
}

/** What came of one try: replies, or why it is to begin again. */
type Outcome = { readonly replies: unknown[] | null } | { readonly again: "conflict" | Error };

/**
 * WATCH, the application's function, EXEC: again after a conflict, and on the new master after a failover that came
 * before EXEC was sent. What was sent and not answered is never sent again.
 */
export async function runTransaction(host: TransactionHost, options: ResolvedTransaction): Promise<unknown[] | null> {
  const { clock } = host;
  const deadline = clock.now() + options.timeoutMs;
  const gaps = new Backoff({ firstMs: 1, maxMs: 50 }, host.random);
  for (let conflicts = 0; ; ) {
    if (options.signal?.aborted)
      throw new AbortedError({ command: "transaction", sent: "no", cause: options.signal.reason });
    const outcome = await once(host);
    if ("replies" in outcome) return outcome.replies;
    if (outcome.again === "conflict" && conflicts++ >= options.retries)
      throw new TransactionConflictError(conflicts, { command: "transaction" });
    const waitMs = gaps.next();
    if (clock.now() + waitMs >= deadline) {
      if (outcome.again !== "conflict") throw outcome.again;
      throw new TimeoutError(options.timeoutMs, { command: "transaction", sent: "no" });
    }
    const over = deferred<void>();
    clock.setTimer(() => over.resolve(), waitMs, true);
    await over.promise;
  }
}

async function once(host: TransactionHost): Promise<Outcome> {
  const attempt = await host.begin();
  try {
    await attempt.watch();
    const chain = await attempt.run();
    if (chain === undefined || chain === null) return { replies: null };
    if (typeof chain.exec !== "function")
      throw new InvalidArgumentError("the function of transaction() returns a chain of tx.multi(), or undefined");
    const results = await chain.exec();
    if (results === null) return { again: "conflict" };
    return { replies: results.map(([error, result]) => orThrow(error, result)) };
  } catch (error) {
    if (isBeforeExec(error)) return { again: error as Error };
    throw error;
  } finally {
    await attempt.end();
  }
}

function orThrow(error: Error | null, result: unknown): unknown {
  if (error) throw decorateReplyError(error, { command: "exec" });
  return result;
}

/** The connection was lost before EXEC was sent, or the node refused because it is no master: nothing is applied. */
function isBeforeExec(error: unknown): boolean {
  if (error instanceof ConnectionBoundError) return error.retriable;
  if (!(error instanceof Error)) return false;
  const { message, previousErrors } = error as Error & { previousErrors?: Error[] };
  if (message.startsWith("READONLY ")) return true;
  if (!message.startsWith("EXECABORT")) return false;
  // As the server says it when the role changed behind the queueing, or as the refusals at queueing do.
  return (
    / because of: READONLY /.test(message) ||
    (previousErrors ?? []).some((before) => before.message.startsWith("READONLY "))
  );
}
