import type { Bytes } from "../../protocol/resp/reply.js";
import type { Entry } from "./entry.js";
import type { KeyTable } from "./key-table.js";
import { SLOT_COUNT, slotOf } from "./slots.js";
import { sizeOf } from "./values.js";

/** Elements from which on a value is written in pieces of its own instead of with its slot. */
const LARGE = 4096;

/** A large value as it was at the moment of the cut, to be written behind its slot. */
export interface PutAside {
  readonly entry: Entry;
  /** Its value is about to change, and may have changed before. */
  changes(): void;
  /** It will not be written. */
  drop(): void;
}

/** Who writes a cut down. */
export interface CutSink {
  /** Writes an entry whole, now: it is about to change, or it is small. */
  entry(db: number, key: Bytes, entry: Entry): void;
  /** Takes note of a large value, which is written later. */
  putAside(entry: Entry): PutAside;
  /** An entry had to be looked at ahead of a change to it. */
  ahead(key: Bytes, entry: Entry): void;
}

/**
 * What one database held at one moment, for somebody who writes it down slot by slot while it goes on being used. The
 * database calls `before` ahead of each change; an entry that is not written yet then is written first. So each entry
 * is written once, as it was at the moment of the cut, and nothing is copied but what changes of a large value.
 */
export class DatabaseCut {
  /** Slots below it are written, but for the large values put aside. */
  #next = 0;
  /** Keys of slots to come that are dealt with: written ahead of a change, or not there when the cut was made. */
  readonly #early = new Map<number, Set<Bytes>>();
  /** Large values that are not written yet. */
  readonly large = new Map<Bytes, PutAside>();

  /** Keys, and keys with a time to live, at the moment of the cut. */
  readonly size: number;
  readonly volatileSize: number;

  constructor(
    readonly index: number,
    private readonly table: KeyTable,
    private readonly sink: CutSink,
  ) {
    this.size = table.size;
    this.volatileSize = table.volatileSize;
  }

  /** To be called before anything of `key`, whose hash is `hash`, changes. */
  before(key: Bytes, hash: number): void {
    const slot = slotOf(hash);
    if (slot < this.#next) {
      if (this.large.size > 0) this.large.get(key)?.changes();
      return;
    }
    let early = this.#early.get(slot);
    if (early === undefined) this.#early.set(slot, (early = new Set()));
    else if (early.has(key)) return;
    early.add(key);
    const entry = this.table.entry(key, hash);
    if (entry === undefined) return;
    if (isLarge(entry)) {
      const aside = this.sink.putAside(entry);
      aside.changes();
      this.large.set(key, aside);
    } else this.sink.entry(this.index, key, entry);
    this.sink.ahead(key, entry);
  }

  /** Gives up what is not written yet. */
  end(): void {
    for (const aside of this.large.values()) aside.drop();
    this.large.clear();
  }

  /** True when every slot has been written. */
  get walked(): boolean {
    return this.#next >= SLOT_COUNT;
  }

  /** Writes the next slot that holds anything; large values go to `large`. */
  writeSlot(): void {
    while (this.#next < SLOT_COUNT) {
      const slot = this.#next++;
      const early = this.#early.get(slot);
      this.#early.delete(slot);
      const written = this.table.eachOf(slot, (key, entry) => {
        if (early?.has(key)) return;
        if (isLarge(entry)) this.large.set(key, this.sink.putAside(entry));
        else this.sink.entry(this.index, key, entry);
      });
      if (written > 0) return;
    }
  }
}

function isLarge({ value }: Entry): boolean {
  return typeof value !== "string" && sizeOf(value) > LARGE;
}
