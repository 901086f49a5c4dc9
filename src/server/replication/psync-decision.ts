import type { BacklogState } from "./backlog.js";

/** What a replica asks for: `PSYNC <replid> <offset>`; `?` and -1 where it has nothing. */
export interface PsyncRequest {
  readonly replid: string;
  /** Offset of the next byte it wants. */
  readonly offset: number;
}

/** What the answering server is. */
export interface PsyncSource {
  readonly replid: string;
  readonly replid2: string | null;
  /** First offset that is no longer of replid2's history; -1 without one. */
  readonly secondReplOffset: number;
  /** Null while there is none. */
  readonly backlog: BacklogState | null;
}

/** The decision, with the reason that a log shows. */
export type PsyncDecision =
  | { readonly kind: "continue"; readonly from: number }
  | { readonly kind: "full"; readonly reason: FullReason };

export type FullReason = "asked" | "unknownHistory" | "beyondSecondOffset" | "noBacklog" | "notInBacklog";

/** Can the asker go on from where it is, or does it need everything? Pure; table: test/spec/psync.json. */
export function decidePsync(source: PsyncSource, request: PsyncRequest): PsyncDecision {
  const { replid, offset } = request;
  if (replid.startsWith("?")) return { kind: "full", reason: "asked" };
  if (!sameId(replid, source.replid)) {
    if (source.replid2 === null || !sameId(replid, source.replid2)) return { kind: "full", reason: "unknownHistory" };
    if (offset > source.secondReplOffset) return { kind: "full", reason: "beyondSecondOffset" };
  }
  const { backlog } = source;
  if (!backlog) return { kind: "full", reason: "noBacklog" };
  if (offset < backlog.firstByte || offset > backlog.firstByte + backlog.length)
    return { kind: "full", reason: "notInBacklog" };
  return { kind: "continue", from: offset };
}

function sameId(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
