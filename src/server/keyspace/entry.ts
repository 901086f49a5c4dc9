import type { Value } from "./values.js";

/** What is known of a key at the moment that it was looked up. Its value, if a collection, is the one that is kept. */
export class Entry {
  constructor(
    readonly value: Value,
    /** Milliseconds since 1970; -1 = never. */
    readonly expireAt: number,
    /** Seconds since 1970 of the last access; under an LFU policy what `Lfu` makes of it. */
    readonly accessedS: number,
    readonly stringForm: StringForm,
  ) {}
}

/** How OBJECT ENCODING names a string that redis-server would have built by writing into it; null = by its text. */
export type StringForm = "embstr" | "raw" | null;
