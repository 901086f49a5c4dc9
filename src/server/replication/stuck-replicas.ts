import type { Replica } from "./replicas.js";

/** Which replicas take nothing of a payload that is streamed to them. One that reads, however slowly, is none of these. */
export class StuckReplicas {
  /** Bytes that waited for a replica when it was last looked at, and since when (of the clock) it has read none of them. */
  readonly #seen = new Map<Replica, { readonly waiting: number; readonly sinceMs: number }>();

  /** @param full bytes up to which a replica may keep what waits for it, since no more is held back for its sake */
  constructor(private readonly full: number) {}

  /** Those among `members` for which too much waits, and who have read nothing for `limitMs` milliseconds. */
  look(members: Iterable<Replica>, nowMs: number, limitMs: number): Replica[] {
    const stuck: Replica[] = [];
    for (const replica of members) {
      const waiting = replica.client.connection?.backlogBytes ?? 0;
      const before = this.#seen.get(replica);
      const reads = before === undefined || waiting <= this.full || waiting < before.waiting;
      const sinceMs = reads ? nowMs : before.sinceMs;
      this.#seen.set(replica, { waiting, sinceMs });
      if (nowMs - sinceMs > limitMs) stuck.push(replica);
    }
    return stuck;
  }
}
