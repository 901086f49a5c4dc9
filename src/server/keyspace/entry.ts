import type { Value } from "./values.js";

/** A key's value with what is known of the key. */
export class Entry {
  /** @param expireAt milliseconds since 1970; -1 = never */
  constructor(
    public value: Value,
    public expireAt: number,
    /** Seconds since 1970 of the last access; under an LFU policy what `Lfu` makes of it. */
    public accessedS: number,
  ) {}

  /** How OBJECT ENCODING names a string that redis-server would have built by writing into it; null = by its text. */
  stringForm: "embstr" | "raw" | null = null;
}
