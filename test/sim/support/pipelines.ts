import type { ReplicatedClient, ReplicatedSession } from "../../../src/index.js";
import type { Operation, PromiseLevel } from "../../checker/history.js";
import { outcomeOf } from "./outcome.js";

/** Who reads, and what is wanted. */
export interface PipelinedReads {
  readonly client: string;
  readonly session: string;
  readonly promise: PromiseLevel;
  readonly keys: readonly string[];
  /** Of the first: writes that its client had issued before it, and not waited for. */
  readonly after?: readonly string[];
  /** A write of the session in front of them, in the same pipeline: its value, which goes to these two lists. */
  readonly write?: { readonly key: string; readonly order: string; readonly value: string };
}

type Result = readonly [error: Error | null, reply?: unknown];

/** Lists read in one pipeline: an operation each, in the order of the pipeline, which is that of the session. */
export async function readTogether(
  on: ReplicatedClient | ReplicatedSession,
  { keys, after, write, ...base }: PipelinedReads,
  now: () => number,
): Promise<Operation[]> {
  const invoked = now();
  const pipeline = on.pipeline();
  if (write !== undefined) {
    const { key, order, value } = write;
    pipeline.call("MULTI").rpush(key, value).rpush(order, value).call("EXEC");
  }
  for (const key of keys) pipeline.lrange(key, 0, -1);
  const results: readonly Result[] = (await pipeline.exec()) ?? [];
  const returned = now();
  const reads = results.slice(results.length - keys.length);
  const operations = keys.map((key, place): Operation => {
    const [error, values] = reads[place] as [Error | null, string[] | undefined];
    return {
      ...{ kind: "read", ...base, key, invoked, returned, values: values ?? [] },
      ...{ outcome: error === null ? "ok" : outcomeOf(error) },
      ...(place === 0 && after !== undefined ? { after } : {}),
    };
  });
  if (write === undefined) return operations;
  const { key, value } = write;
  const outcome = outcomeOfWrite(results[results.length - keys.length - 1] ?? [null, null]);
  return [{ kind: "append", ...base, key, value, invoked, returned, outcome }, ...operations];
}

/** By what EXEC came back with. */
function outcomeOfWrite([error, replies]: Result): Operation["outcome"] {
  if (error !== null) return outcomeOf(error);
  return Array.isArray(replies) && replies.every((one) => typeof one === "number") ? "ok" : "fail";
}
