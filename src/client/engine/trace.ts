import type { Fence } from "../../protocol/info.js";
import type { CallTrace, Traced } from "../types.js";
import type { Operation } from "./operation.js";

/** What telling of a call needs to see of the engine. */
export interface TraceHost {
  readonly history: { readonly node: string; readonly replid: string } | null;
  readonly samples: { stalenessOf(offset: number, now: number): number | null };
  readonly clock: { now(): number };
}

/**
 * What a settled call was: told from what its flush noted of the fences in front of it and behind it, so that nothing is
 * asked and nothing is sent for it. The value comes when the caller's own promise has it.
 */
export async function traceOf(operation: Operation, host: TraceHost): Promise<CallTrace> {
  const { spec, command } = operation;
  const known = {
    command: operation.name,
    intent: spec.intent === "master" ? ("write" as const) : spec.intent,
    node: operation.connection?.node ?? null,
    ...position(operation, host),
    tookMs: host.clock.now() - operation.issuedAt,
  };
  const outcome = await command.promise.then(
    (value) => ({ value, error: null }),
    (error: Error) => ({ value: undefined, error }),
  );
  return Object.freeze({ ...known, ...outcome });
}

type Position = Pick<CallTrace, "role" | "replid" | "offset" | "offsetAtMost" | "stalenessMs" | "verified">;

const NOWHERE: Position = {
  role: null,
  replid: null,
  offset: null,
  offsetAtMost: null,
  stalenessMs: null,
  verified: false,
};

function position({ flush, need, guessed, settledBy }: Operation, { history, samples }: TraceHost): Position {
  const before = flush?.before ?? null;
  if (flush === null || before === null) return NOWHERE;
  const behind = sameHistory(flush.behind, before) ? flush.behind : null;
  // A fence of its own in front of it showed what it needed, or it would have been read elsewhere.
  const offset = guessed && settledBy === null && Number.isFinite(need) ? Math.max(before.offset, need) : before.offset;
  const adopted = history?.replid === before.replid;
  return {
    role: before.role,
    replid: before.replid,
    offset,
    offsetAtMost: behind?.offset ?? null,
    stalenessMs: !adopted ? null : before.role === "master" ? 0 : samples.stalenessOf(offset, flush.sentAt),
    verified: behind !== null,
  };
}

function sameHistory(behind: Fence | null, before: Fence): boolean {
  return behind !== null && behind.replid === before.replid && behind.role === before.role;
}

/** Calls that one log keeps at most. */
const LOGGED = 10_000;

/** Writes down the calls of one view. */
export class CallLog {
  readonly #calls: Promise<CallTrace>[] = [];

  /** @param also who is told of them as well */
  constructor(private readonly also: ((call: Promise<CallTrace>) => void) | null) {}

  readonly note = (call: Promise<CallTrace>): void => {
    this.also?.(call);
    if (this.#calls.length < LOGGED) this.#calls.push(call);
  };

  /** What was noted until now, and what came of it. */
  async with<T>(value: T): Promise<Traced<T>> {
    return Object.freeze({ value, calls: Object.freeze(await Promise.all(this.#calls)) });
  }
}
