import type { Bytes } from "../../protocol/resp/reply.js";
import type { Entry } from "./entry.js";
import type { KeyTable } from "./key-table.js";
import { SLOT_COUNT, slotOf } from "./slots.js";
import { sizeOf } from "./values.js";

/** Elements from which on a value is written in pieces of its own instead of with its slot. */
const LARGE = 4096;

/** Who writes a cut down. */
export interface CutSink {
  /** Writes an entry whole, now: it is about to change, or it is small. */
  entry(db: number, key: Bytes, entry: Entry): void;
  /** A large value that was put aside is about to change: what is not written of it must be written now. */
  finishLarge(cut: DatabaseCut, key: Bytes): void;
  /** An entry was written ahead of a change to it. */
  ahead(key: Bytes, entry: Entry): void;
}

/**
 * What one database held at one moment, for somebody who writes it down slot by slot while it goes on being used. The
 * database calls `before` ahead of each change; an entry that is not written yet then is written first. So each entry
 * is written once, as it was at the moment of the cut, and nothing is copied.
 */
export class DatabaseCut {
  /** Slots below it are written, but for the large values put aside. */
  #next = 0;
  /** Keys of slots to come that are dealt with: written ahead of a change, or not there when the cut was made. */
  readonly #early = new Map<number, Set<Bytes>>();
  /** Large values of written slots. */
  readonly large = new Map<Bytes, Entry>();

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
      if (this.large.size > 0 && this.large.has(key)) {
        this.sink.finishLarge(this, key);
        this.large.delete(key);
      }
      return;
    }
    let early = this.#early.get(slot);
    if (early === undefined) this.#early.set(slot, (early = new Set()));
    else if (early.has(key)) return;
    early.add(key);
    const entry = this.table.entry(key, hash);
    if (entry === undefined) return;
    this.sink.entry(this.index, key, entry);
    this.sink.ahead(key, entry);
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
        if (typeof entry.value !== "string" && sizeOf(entry.value) > LARGE) this.large.set(key, entry);
        else this.sink.entry(this.index, key, entry);
      });
      if (written > 0) return;
    }
  }
}
