import type { Bytes } from "../../protocol/resp/reply.js";
import { Entry, type StringForm } from "./entry.js";
import type { Value } from "./values.js";

/** Bits of a hash that choose the shard, and those that choose one of its slots. */
export const SHARD_BITS = 6;
const SLOT_BITS = 6;
/** Room for so many keys is made first. */
const FEWEST = 4;
/** Numbers kept side by side for each key, in one cache line: its hash, the next of its bucket, last access, length. */
const LANES = 4;
const NEXT = 1;
const ACCESSED = 2;
const LENGTH = 3;
/** The length of what is no string. */
const COLLECTION = -1;
/** Where 32 bits of seconds begin: they last until 2084. */
const ACCESS_EPOCH_S = 1_500_000_000;
const FORMS: readonly StringForm[] = [null, "embstr", "raw"];

/**
 * A hash table of keys. Each key has a place, a number that stays the same as long as the key is there; what is known of
 * it stands in arrays by place, numbers in typed ones, so that a key costs the garbage collector two texts and nothing
 * else. A bucket is a chain of places, and the buckets of one slot lie side by side however many there are.
 */
export class Shard {
  size = 0;
  /** Keys that have a time to live. */
  volatileSize = 0;
  /** Places that have been given out, those that are free again included. */
  places = 0;
  /** The first place of each bucket, plus one; 0 = none. */
  #heads = new Int32Array(1 << SLOT_BITS);
  #shift = 32 - SLOT_BITS;
  #lanes = new Int32Array(FEWEST * LANES);
  /** Key and value of each place. */
  readonly #pairs: (Bytes | Value | undefined)[] = [];
  /** By place; null while no key has a time to live. */
  #expireAt: Float64Array | null = null;
  /** By place, indices of {@link FORMS}; null while no key has a form. */
  #forms: Uint8Array | null = null;
  /** The first free place, plus one; the others follow as in a bucket. */
  #free = 0;

  /** The place of a key; -1 = it isn't here. */
  find(key: Bytes, hash: number): number {
    const lanes = this.#lanes;
    let at = this.#heads[(hash << SHARD_BITS) >>> this.#shift] as number;
    while (at !== 0) {
      const lane = (at - 1) * LANES;
      if (lanes[lane] === hash && this.#pairs[(at - 1) * 2] === key) return at - 1;
      at = lanes[lane + NEXT] as number;
    }
    return -1;
  }

  /** Takes in a key that isn't here, without a time to live; returns its place. */
  insert(key: Bytes, hash: number, value: Value, accessedS: number): number {
    if (this.size >= this.#heads.length) this.#widen();
    let place = this.#free - 1;
    if (place >= 0) {
      this.#free = this.#lanes[place * LANES + NEXT] as number;
      this.#pairs[place * 2] = key;
      this.#pairs[place * 2 + 1] = value;
    } else {
      place = this.places++;
      if (place * LANES === this.#lanes.length) this.#lengthen();
      this.#pairs.push(key, value);
    }
    const lane = place * LANES;
    const bucket = (hash << SHARD_BITS) >>> this.#shift;
    this.#lanes[lane] = hash;
    this.#lanes[lane + NEXT] = this.#heads[bucket] as number;
    this.#heads[bucket] = place + 1;
    this.#noteLength(place, value);
    this.setAccessed(place, accessedS);
    this.size++;
    return place;
  }

  /** Lets a key go. */
  remove(place: number): void {
    const lanes = this.#lanes;
    const lane = place * LANES;
    if (this.expireAt(place) !== -1) this.setExpireAt(place, -1);
    if (this.#forms !== null) this.#forms[place] = 0;
    const bucket = ((lanes[lane] as number) << SHARD_BITS) >>> this.#shift;
    const next = lanes[lane + NEXT] as number;
    if (this.#heads[bucket] === place + 1) this.#heads[bucket] = next;
    else {
      let before = (this.#heads[bucket] as number) - 1;
      while (lanes[before * LANES + NEXT] !== place + 1) before = (lanes[before * LANES + NEXT] as number) - 1;
      lanes[before * LANES + NEXT] = next;
    }
    lanes[lane + NEXT] = this.#free;
    this.#free = place + 1;
    this.#pairs[place * 2] = undefined;
    this.#pairs[place * 2 + 1] = undefined;
    this.size--;
  }

  /** Undefined for a free place. */
  key(place: number): Bytes | undefined {
    return this.#pairs[place * 2] as Bytes | undefined;
  }

  value(place: number): Value {
    return this.#pairs[place * 2 + 1] as Value;
  }

  setValue(place: number, value: Value): void {
    this.#pairs[place * 2 + 1] = value;
    this.#noteLength(place, value);
  }

  /** Length of the text there, without a look at the text; -1 = it is no string. */
  textLength(place: number): number {
    return this.#lanes[place * LANES + LENGTH] as number;
  }

  accessed(place: number): number {
    return (this.#lanes[place * LANES + ACCESSED] as number) + ACCESS_EPOCH_S;
  }

  setAccessed(place: number, accessedS: number): void {
    this.#lanes[place * LANES + ACCESSED] = accessedS - ACCESS_EPOCH_S;
  }

  /** -1 = never. */
  expireAt(place: number): number {
    return this.#expireAt === null ? -1 : (this.#expireAt[place] as number);
  }

  setExpireAt(place: number, ms: number): void {
    this.#expireAt ??= new Float64Array(this.#lanes.length / LANES).fill(-1);
    const had = this.#expireAt[place] !== -1;
    this.#expireAt[place] = ms;
    if (had !== (ms !== -1)) this.volatileSize += had ? -1 : 1;
  }

  setForm(place: number, form: StringForm): void {
    if (this.#forms === null) {
      if (form === null) return;
      this.#forms = new Uint8Array(this.#lanes.length / LANES);
    }
    this.#forms[place] = FORMS.indexOf(form);
  }

  entry(place: number): Entry {
    const form = this.#forms === null ? null : (FORMS[this.#forms[place] as number] as StringForm);
    return new Entry(this.value(place), this.expireAt(place), this.accessed(place), form);
  }

  /** The places of a slot's keys, by the slot's number within the shard. */
  placesOf(slot: number): number[] {
    const width = this.#heads.length >>> SLOT_BITS;
    const found: number[] = [];
    for (let bucket = slot * width; bucket < (slot + 1) * width; bucket++) {
      let at = this.#heads[bucket] as number;
      while (at !== 0) {
        found.push(at - 1);
        at = this.#lanes[(at - 1) * LANES + NEXT] as number;
      }
    }
    return found;
  }

  #noteLength(place: number, value: Value): void {
    this.#lanes[place * LANES + LENGTH] = typeof value === "string" ? value.length : COLLECTION;
  }

  /** Twice as many buckets. */
  #widen(): void {
    const lanes = this.#lanes;
    const heads = new Int32Array(this.#heads.length * 2);
    this.#shift--;
    for (let place = 0; place < this.places; place++) {
      if (this.#pairs[place * 2] === undefined) continue;
      const bucket = ((lanes[place * LANES] as number) << SHARD_BITS) >>> this.#shift;
      lanes[place * LANES + NEXT] = heads[bucket] as number;
      heads[bucket] = place + 1;
    }
    this.#heads = heads;
  }

  /** Room for twice as many keys. */
  #lengthen(): void {
    const places = (this.#lanes.length / LANES) * 2;
    const lanes = new Int32Array(places * LANES);
    lanes.set(this.#lanes);
    this.#lanes = lanes;
    if (this.#expireAt !== null) {
      const expireAt = new Float64Array(places).fill(-1);
      expireAt.set(this.#expireAt);
      this.#expireAt = expireAt;
    }
    if (this.#forms !== null) {
      const forms = new Uint8Array(places);
      forms.set(this.#forms);
      this.#forms = forms;
    }
  }
}
