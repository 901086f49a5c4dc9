import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decidePsync, type PsyncSource } from "../../src/server/replication/psync-decision.js";

interface Case {
  readonly name: string;
  readonly source: { replid: string; replid2?: string; secondReplOffset?: number; backlog: [number, number] | null };
  readonly request: { replid: string; offset: number };
  readonly decision: "full" | "continue";
  readonly reason?: string;
}

const table = JSON.parse(readFileSync(new URL("psync.json", import.meta.url), "utf8")) as {
  about: string;
  cases: Case[];
};

function onlyKeys(value: object, allowed: readonly string[]): void {
  for (const key of Object.keys(value))
    if (!allowed.includes(key)) throw new Error(`unknown key "${key}" in the table`);
}

function sourceOf({ replid, replid2, secondReplOffset, backlog }: Case["source"]): PsyncSource {
  return {
    replid,
    replid2: replid2 ?? null,
    secondReplOffset: secondReplOffset ?? -1,
    backlog: backlog && { size: 1 << 20, firstByte: backlog[0], length: backlog[1] },
  };
}

describe("PSYNC decisions", () => {
  onlyKeys(table, ["about", "cases"]);
  it.each(table.cases.map((one) => [one.name, one] as const))("%s", (_, one) => {
    onlyKeys(one, ["name", "source", "request", "decision", "reason"]);
    onlyKeys(one.source, ["replid", "replid2", "secondReplOffset", "backlog"]);
    onlyKeys(one.request, ["replid", "offset"]);
    const expected =
      one.decision === "continue"
        ? { kind: "continue", from: one.request.offset }
        : { kind: "full", reason: one.reason };
    expect(decidePsync(sourceOf(one.source), one.request)).toEqual(expected);
  });
});
