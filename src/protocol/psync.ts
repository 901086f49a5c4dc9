/**
 * The grammar of PSYNC: what a replica asks, what a master answers. Offsets here are those of the wire:
 * a replica asks for the offset of the *next* byte it wants.
 */

/** What INFO shows where there is no second replication id. */
export const NO_REPLID = "0".repeat(40);

/** A master's answer, as a replica must take it. */
export type PsyncAnswer =
  | { readonly kind: "fullResync"; readonly replid: string; readonly offset: number }
  /** `replid` is null where the master named none: it stays the same. */
  | { readonly kind: "continue"; readonly replid: string | null }
  /** The master can't serve now (it loads, or its own link is down): ask again later. */
  | { readonly kind: "later"; readonly text: string }
  /** Neither of these: an old server, or one that refuses. */
  | { readonly kind: "refused"; readonly text: string };

/** Reads the line that answers PSYNC (without CRLF). */
export function parsePsyncAnswer(line: string): PsyncAnswer {
  const full = /^\+FULLRESYNC ([0-9a-fA-F]{40}) (-?\d{1,16})$/.exec(line);
  if (full) return { kind: "fullResync", replid: full[1] as string, offset: Number(full[2]) };
  const partial = /^\+CONTINUE(?: ([0-9a-fA-F]{40}))?\s*$/.exec(line);
  if (partial) return { kind: "continue", replid: partial[1] ?? null };
  if (line.startsWith("-NOMASTERLINK") || line.startsWith("-LOADING")) return { kind: "later", text: line };
  return { kind: "refused", text: line };
}

/** The line that announces a payload: its length, or the mark that ends it. Null if it is neither. */
export type PayloadHeader =
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "mark"; readonly mark: string };

/** Reads `$<length>` or `$EOF:<40 bytes>` (without CRLF). */
export function parsePayloadHeader(line: string): PayloadHeader | null {
  if (line.startsWith("$EOF:")) return line.length === 45 ? { kind: "mark", mark: line.slice(5) } : null;
  const length = /^\$(\d{1,15})$/.exec(line);
  return length ? { kind: "length", bytes: Number(length[1]) } : null;
}
