import type { Bytes } from "../../protocol/resp/reply.js";
import { Entry, type StringForm } from "./entry.js";
import { Texts } from "./texts.js";
import type { Value } from "./values.js";

/** Bits of a hash that choose the shard, and those that choose one of its slots. */
export const SHARD_BITS = 6;
const SLOT_BITS = 6;
/** Room for so many keys is made first. */
const FEWEST = 4;
/** Numbers kept side by side for each key, half a cache line of them. */
const LANES = 8;
/** Beside its hash: the next of its bucket, last access, length of the value, where its record is, what that holds. */
const NEXT = 1;
const ACCESSED = 2;
const LENGTH = 3;
const WHERE = 4;
const SIZES = 5;
/** The time to live fills the last two lanes, as a double. */
const DOUBLES = LANES / 2;
const EXPIRY = 3;
/** The length of what is no string. */
const COLLECTION = -1;
/** Keys and values up to this length lie in records; longer ones are few or large, and stay texts of their own. */
const LONGEST = 255;
/** Records are given out in multiples of this, so that a value may grow a little. */
const ROUNDED = 4;
/** Sizes of a place that is free; otherwise the length of the key, and in the lower half the room of the record. */
const FREE = -1;
const ROOM_BITS = 16;
const ROOM_MASK = (1 << ROOM_BITS) - 1;
/** The length of a key that is not in its record. */
const ELSEWHERE = 0x7fff;
/** Freed bytes that are not worth clearing up. */
const LITTLE = 4096;
/** Where 32 bits of seconds begin: they last until 2084. */
const ACCESS_EPOCH_S = 1_500_000_000;
const FORMS: readonly StringForm[] = [null, "embstr", "raw"];

/**
 * A hash table of keys. Each key has a place, a number that stays the same as long as the key is there. What is known of
 * it stands in arrays by place, and its text with that of its value in a record of {@link Texts}, so that a small key costs
 * the garbage collector nothing. A bucket is a chain of places, and the buckets of one slot lie side by side however
 * many there are.
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
  /** The same memory: times to live in milliseconds since 1970, -1 = none. */
  #doubles = new Float64Array(this.#lanes.buffer);
  #texts = new Texts();
  /** By place, what is in no record: collections, long texts. */
  readonly #values: (Value | undefined)[] = [];
  /** By place; null while no key is that long. */
  #longKeys: Map<number, Bytes> | null = null;
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
      if (lanes[lane] === hash && this.#isKey(at - 1, key)) return at - 1;
      at = lanes[lane + NEXT] as number;
    }
    return -1;
  }

  /** Takes in a key that isn't here, without a time to live; returns its place. */
  insert(key: Bytes, hash: number, value: Value, accessedS: number): number {
    if (this.size >= this.#heads.length) this.#widen();
    let place = this.#free - 1;
    if (place >= 0) this.#free = this.#lanes[place * LANES + NEXT] as number;
    else {
      place = this.places++;
      if (place * LANES === this.#lanes.length) this.#lengthen();
    }
    const lanes = this.#lanes;
    const lane = place * LANES;
    const bucket = (hash << SHARD_BITS) >>> this.#shift;
    lanes[lane] = hash;
    lanes[lane + NEXT] = this.#heads[bucket] as number;
    this.#heads[bucket] = place + 1;
    this.#doubles[place * DOUBLES + EXPIRY] = -1;
    this.setAccessed(place, accessedS);
    this.#record(place, key, value);
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
    const sizes = lanes[lane + SIZES] as number;
    if (sizes >>> ROOM_BITS === ELSEWHERE) this.#longKeys?.delete(place);
    if (place < this.#values.length) this.#values[place] = undefined;
    this.#texts.free(sizes & ROOM_MASK);
    lanes[lane + SIZES] = FREE;
    this.size--;
    this.#clearUp();
  }

  /** Whether a key is there. */
  taken(place: number): boolean {
    return this.#lanes[place * LANES + SIZES] !== FREE;
  }

  /** Undefined for a free place. */
  key(place: number): Bytes | undefined {
    const sizes = this.#lanes[place * LANES + SIZES] as number;
    if (sizes === FREE) return undefined;
    const length = sizes >>> ROOM_BITS;
    if (length === ELSEWHERE) return this.#longKeys?.get(place);
    return this.#texts.read(this.#lanes[place * LANES + WHERE] as number, length);
  }

  value(place: number): Value {
    const length = this.textLength(place);
    if (!inRecord(length)) return this.#values[place] as Value;
    return this.#texts.read((this.#lanes[place * LANES + WHERE] as number) + this.#keyBytes(place), length);
  }

  setValue(place: number, value: Value): void {
    const lane = place * LANES;
    if (typeof value !== "string" || value.length > LONGEST) {
      this.#keepAside(place, value);
      return;
    }
    const lanes = this.#lanes;
    const texts = this.#texts;
    const keyBytes = this.#keyBytes(place);
    const sizes = lanes[lane + SIZES] as number;
    const room = sizes & ROOM_MASK;
    let where = lanes[lane + WHERE] as number;
    if (keyBytes + value.length > room) {
      const wanted = roomFor(keyBytes + value.length);
      const old = where;
      where = texts.take(wanted);
      texts.copy(texts, old, where, keyBytes);
      texts.free(room);
      lanes[lane + WHERE] = where;
      lanes[lane + SIZES] = (sizes & ~ROOM_MASK) | wanted;
    }
    texts.write(where + keyBytes, value);
    if (!inRecord(lanes[lane + LENGTH] as number)) this.#values[place] = undefined;
    lanes[lane + LENGTH] = value.length;
    this.#clearUp();
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
    return this.#doubles[place * DOUBLES + EXPIRY] as number;
  }

  setExpireAt(place: number, ms: number): void {
    const at = place * DOUBLES + EXPIRY;
    const had = this.#doubles[at] !== -1;
    this.#doubles[at] = ms;
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

  #isKey(place: number, key: Bytes): boolean {
    const length = (this.#lanes[place * LANES + SIZES] as number) >>> ROOM_BITS;
    if (length === ELSEWHERE) return this.#longKeys?.get(place) === key;
    return length === key.length && this.#texts.holds(this.#lanes[place * LANES + WHERE] as number, key);
  }

  /** Bytes of the record that are the key's. */
  #keyBytes(place: number): number {
    const length = (this.#lanes[place * LANES + SIZES] as number) >>> ROOM_BITS;
    return length === ELSEWHERE ? 0 : length;
  }

  /** Puts the texts of a new key in their place. */
  #record(place: number, key: Bytes, value: Value): void {
    const lane = place * LANES;
    const short = key.length <= LONGEST;
    const keyBytes = short ? key.length : 0;
    const valueBytes = typeof value === "string" && value.length <= LONGEST ? value.length : 0;
    const room = roomFor(keyBytes + valueBytes);
    const where = this.#texts.take(room);
    if (short) this.#texts.write(where, key);
    else (this.#longKeys ??= new Map()).set(place, key);
    this.#lanes[lane + WHERE] = where;
    this.#lanes[lane + SIZES] = ((short ? key.length : ELSEWHERE) << ROOM_BITS) | room;
    if (typeof value === "string" && value.length <= LONGEST) {
      this.#texts.write(where + keyBytes, value);
      this.#lanes[lane + LENGTH] = value.length;
    } else this.#keepAside(place, value);
  }

  #keepAside(place: number, value: Value): void {
    // An array without gaps: V8 would make a slow one of it otherwise.
    while (this.#values.length < place) this.#values.push(undefined);
    this.#values[place] = value;
    this.#lanes[place * LANES + LENGTH] = typeof value === "string" ? value.length : COLLECTION;
  }

  /** When more was freed than is in use the rest moves to new chunks, and the old ones go. */
  #clearUp(): void {
    const { live, dead } = this.#texts;
    if (dead <= live || dead < LITTLE) return;
    const lanes = this.#lanes;
    const texts = new Texts();
    for (let place = 0; place < this.places; place++) {
      if (!this.taken(place)) continue;
      const lane = place * LANES;
      const room = (lanes[lane + SIZES] as number) & ROOM_MASK;
      const where = texts.take(room);
      texts.copy(this.#texts, lanes[lane + WHERE] as number, where, room);
      lanes[lane + WHERE] = where;
    }
    this.#texts = texts;
  }

  /** Twice as many buckets. */
  #widen(): void {
    const lanes = this.#lanes;
    const heads = new Int32Array(this.#heads.length * 2);
    this.#shift--;
    for (let place = 0; place < this.places; place++) {
      if (!this.taken(place)) continue;
      const bucket = ((lanes[place * LANES] as number) << SHARD_BITS) >>> this.#shift;
      lanes[place * LANES + NEXT] = heads[bucket] as number;
      heads[bucket] = place + 1;
    }
    this.#heads = heads;
  }

  /** Room for twice as many keys. */
  #lengthen(): void {
    const lanes = new Int32Array(this.#lanes.length * 2);
    lanes.set(this.#lanes);
    this.#lanes = lanes;
    this.#doubles = new Float64Array(lanes.buffer);
    if (this.#forms !== null) {
      const forms = new Uint8Array(lanes.length / LANES);
      forms.set(this.#forms);
      this.#forms = forms;
    }
  }
}

/** Whether a text of this length, or what is no text (-1), is in its record. */
function inRecord(length: number): boolean {
  return length >= 0 && length <= LONGEST;
}

function roomFor(bytes: number): number {
  return Math.ceil(bytes / ROUNDED) * ROUNDED;
}
