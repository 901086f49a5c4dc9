import type { Bytes } from "../../protocol/resp/reply.js";

/** One kind of event, counted while it repeats within a minute. */
export interface AclLogEntry {
  count: number;
  readonly reason: "command" | "key" | "channel" | "auth";
  readonly context: "toplevel" | "multi" | "lua";
  /** The command, key or channel. */
  readonly object: Bytes;
  readonly username: Bytes;
  /** Milliseconds since 1970 of the last time. */
  atMs: number;
  clientInfo: string;
}

const GROUPING_MS = 60_000;
/** Entries that a new one is compared with. */
const LOOKED_AT = 10;

/** ACL LOG: what was denied to whom, newest first. */
export class AclLog {
  #entries: AclLogEntry[] = [];

  /** @param maxLength acllog-max-len */
  constructor(private readonly maxLength: () => number) {}

  get entries(): readonly AclLogEntry[] {
    return this.#entries;
  }

  add(entry: Omit<AclLogEntry, "count">): void {
    const at = this.#entries.slice(0, LOOKED_AT).findIndex((other) => isSimilar(other, entry));
    if (at >= 0) {
      const [known] = this.#entries.splice(at, 1) as [AclLogEntry];
      known.count++;
      known.atMs = entry.atMs;
      known.clientInfo = entry.clientInfo;
      this.#entries.unshift(known);
      return;
    }
    this.#entries.unshift({ ...entry, count: 1 });
    const limit = this.maxLength();
    if (this.#entries.length > limit) this.#entries.length = limit;
  }

  reset(): void {
    this.#entries = [];
  }
}

function isSimilar(a: Omit<AclLogEntry, "count">, b: Omit<AclLogEntry, "count">): boolean {
  return (
    a.reason === b.reason &&
    a.context === b.context &&
    Math.abs(a.atMs - b.atMs) <= GROUPING_MS &&
    a.object === b.object &&
    a.username === b.username
  );
}
