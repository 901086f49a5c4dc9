import { InvalidArgumentError, InvalidOptionError } from "../errors/kinds.js";
import { checkInteger, refuseUnknown, requireObject, showType, showValue } from "./check.js";
import { VIEW_ONLY_TABLE } from "./table.js";
import { checkSignal } from "./view.js";

/** What `transaction()` takes beside keys and function. */
export interface TransactionOptions {
  /** How often it begins again after a watched key was changed by others, 0 to 1,000; default 5. */
  readonly retries?: number | undefined;
  /** Milliseconds for all of it; default `failoverTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
  /** Ends it; nothing is applied unless EXEC was sent already. */
  readonly signal?: AbortSignal | undefined;
}

/** What `withConnection()` takes beside the function. */
export interface ConnectionOptions {
  /** `"master"` (the default), which is waited for, or a node by name. */
  readonly node?: string | undefined;
}

export interface ResolvedTransaction {
  readonly retries: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | null;
}

const RETRIES = { min: 0, max: 1000, default: 5 };

/** @throws InvalidOptionError */
export function transactionOptions(options: unknown, defaultTimeoutMs: number): ResolvedTransaction {
  const given = requireObject("", options ?? {});
  refuseUnknown("", given, ["retries", "timeoutMs", "signal"]);
  const { retries = RETRIES.default, timeoutMs, signal } = given;
  if (!(typeof retries === "number" && Number.isInteger(retries) && retries >= RETRIES.min && retries <= RETRIES.max))
    throw new InvalidOptionError(
      "retries",
      `must be an integer from ${RETRIES.min} to ${RETRIES.max}; got ${showValue(retries)}`,
    );
  return {
    retries,
    timeoutMs:
      (timeoutMs === undefined ? null : checkInteger("timeoutMs", VIEW_ONLY_TABLE.timeoutMs, timeoutMs)) ??
      defaultTimeoutMs,
    signal: signal === undefined ? null : checkSignal(signal),
  };
}

/** The node to connect to; null = the master. @throws InvalidOptionError */
export function connectionOptions(options: unknown): { readonly node: string | null } {
  const given = requireObject("", options ?? {});
  refuseUnknown("", given, ["node"]);
  const { node = "master" } = given;
  if (typeof node !== "string")
    throw new InvalidOptionError("node", `must be "master" or the name of a node; got ${showType(node)}`);
  return { node: node === "master" ? null : node };
}

/** The keys to watch. @throws InvalidArgumentError */
export function watchedKeys(keys: unknown): readonly (string | Buffer)[] {
  const list = Array.isArray(keys) ? keys : [keys];
  for (const key of list)
    if (typeof key !== "string" && !Buffer.isBuffer(key))
      throw new InvalidArgumentError(`transaction() takes keys as strings or Buffers; got ${showType(key)}`);
  return list as (string | Buffer)[];
}

/** @throws InvalidArgumentError */
export function requireFunction(name: string, fn: unknown): void {
  if (typeof fn !== "function") throw new InvalidArgumentError(`${name}() takes a function; got ${showType(fn)}`);
}
