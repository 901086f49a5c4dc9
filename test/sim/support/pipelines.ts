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
}

/** Lists read in one pipeline: an operation each, in the order of the pipeline, which is that of the session. */
export async function readTogether(
  on: ReplicatedClient | ReplicatedSession,
  { keys, after, ...base }: PipelinedReads,
  now: () => number,
): Promise<Operation[]> {
  const invoked = now();
  const pipeline = on.pipeline();
  for (const key of keys) pipeline.lrange(key, 0, -1);
  const results = (await pipeline.exec()) ?? [];
  const returned = now();
  return keys.map((key, place) => {
    const [error, values] = results[place] as [Error | null, string[] | undefined];
    return {
      ...{ kind: "read", ...base, key, invoked, returned, values: values ?? [] },
      ...{ outcome: error === null ? "ok" : outcomeOf(error) },
      ...(place === 0 && after !== undefined ? { after } : {}),
    };
  });
}
