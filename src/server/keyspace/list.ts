import type { Bytes } from "../../protocol/resp/reply.js";
import { Account } from "./account.js";
import { Image } from "./image.js";

const CHUNK = 256;

/**
 * A list of byte strings in chunks: pushing and popping at both ends touches one small chunk, reaching an index skips
 * whole chunks from the nearer end, and inserting or removing in the middle moves at most one chunk. No chunk is ever
 * empty.
 */
export class List {
  readonly type = "list";
  readonly account = new Account();
  #chunks: Bytes[][] = [];
  #length = 0;
  #image: Image<readonly Bytes[]> | null = null;

  constructor(elements: Iterable<Bytes> = []) {
    for (const element of elements) this.pushRight(element);
  }

  get length(): number {
    return this.#length;
  }

  pushLeft(element: Bytes): void {
    const first = this.#own(0);
    if (first !== undefined && first.length < CHUNK) first.unshift(element);
    else this.#chunks.unshift([element]);
    this.#length++;
  }

  pushRight(element: Bytes): void {
    const last = this.#own(this.#chunks.length - 1);
    if (last !== undefined && last.length < CHUNK) last.push(element);
    else this.#chunks.push([element]);
    this.#length++;
  }

  popLeft(): Bytes | undefined {
    const first = this.#own(0);
    if (first === undefined) return undefined;
    const element = first.shift();
    if (first.length === 0) this.#chunks.shift();
    this.#length--;
    return element;
  }

  popRight(): Bytes | undefined {
    const last = this.#own(this.#chunks.length - 1);
    if (last === undefined) return undefined;
    const element = last.pop();
    if (last.length === 0) this.#chunks.pop();
    this.#length--;
    return element;
  }

  /** The element at `index`, counted from 0; `undefined` outside. */
  get(index: number): Bytes | undefined {
    const [chunk, offset] = this.#locate(index);
    return this.#chunks[chunk]?.[offset];
  }

  /** Replaces the element at `index`, which must lie within the list. */
  set(index: number, element: Bytes): void {
    const [chunk, offset] = this.#locate(index);
    const found = this.#own(chunk);
    if (found === undefined) throw new RangeError(`no element ${index} in a list of ${this.#length}`);
    found[offset] = element;
  }

  /** Puts `element` in front of the one at `index`; `index === length` appends. */
  insert(index: number, element: Bytes): void {
    if (index >= this.#length) return this.pushRight(element);
    const [chunk, offset] = this.#locate(index);
    const found = this.#own(chunk);
    if (found === undefined) throw new RangeError(`no element ${index} in a list of ${this.#length}`);
    found.splice(offset, 0, element);
    if (found.length > 2 * CHUNK) this.#chunks.splice(chunk + 1, 0, found.splice(CHUNK));
    this.#length++;
  }

  /** Removes `count` elements beginning at `index`; what lies outside is ignored. */
  remove(index: number, count: number): void {
    let left = Math.min(count, this.#length - index);
    if (index < 0 || left <= 0) return;
    let [chunk, offset] = this.#locate(index);
    this.#length -= left;
    while (left > 0) {
      const found = this.#own(chunk);
      if (found === undefined) break;
      const taken = Math.min(left, found.length - offset);
      if (taken === found.length) {
        this.#chunks.splice(chunk, 1);
      } else {
        found.splice(offset, taken);
        chunk++;
      }
      offset = 0;
      left -= taken;
    }
  }

  /** Keeps only the elements for which `keep` holds; they are asked from left to right. */
  retain(keep: (element: Bytes) => boolean): void {
    const chunks: Bytes[][] = [];
    let length = 0;
    for (const chunk of this.#chunks) {
      const kept = chunk.filter(keep);
      if (kept.length === 0) continue;
      chunks.push(kept);
      length += kept.length;
    }
    this.#chunks = chunks;
    this.#length = length;
  }

  /** The elements from `from` up to, not including, `to`. */
  slice(from: number, to: number): Bytes[] {
    const result: Bytes[] = [];
    let left = Math.min(to, this.#length) - from;
    if (from < 0 || left <= 0) return result;
    let [chunk, offset] = this.#locate(from);
    for (; left > 0; chunk++, offset = 0) {
      const part = this.#chunks[chunk]?.slice(offset, offset + left);
      if (part === undefined) break;
      for (const element of part) result.push(element);
      left -= part.length;
    }
    return result;
  }

  *[Symbol.iterator](): IterableIterator<Bytes> {
    for (const chunk of this.#chunks) yield* chunk;
  }

  /** The elements from the right end to the left. */
  *reversed(): IterableIterator<Bytes> {
    for (let chunk = this.#chunks.length - 1; chunk >= 0; chunk--) {
      const found = this.#chunks[chunk] ?? [];
      for (let at = found.length - 1; at >= 0; at--) yield found[at] ?? "";
    }
  }

  /** What it holds now; `watch` false: it will not change before the image is done with. */
  image(watch: boolean): Image<readonly Bytes[]> {
    const image = new Image<readonly Bytes[]>(this.#chunks, this.#length);
    if (watch) this.#image = image;
    return image;
  }

  /** A chunk that may be changed; undefined if there is none. */
  #own(chunk: number): Bytes[] | undefined {
    const found = this.#chunks[chunk];
    if (found === undefined || !this.#image?.holds(found)) return found;
    return (this.#chunks[chunk] = [...found]);
  }

  /** Chunk and offset of `index`; a chunk that does not exist if the index lies outside. */
  #locate(index: number): [chunk: number, offset: number] {
    if (index < 0 || index >= this.#length) return [-1, 0];
    if (index < this.#length / 2) {
      let chunk = 0;
      let offset = index;
      for (let size = this.#size(0); offset >= size; size = this.#size(chunk)) {
        offset -= size;
        chunk++;
      }
      return [chunk, offset];
    }
    let chunk = this.#chunks.length - 1;
    let behind = this.#length - 1 - index;
    for (let size = this.#size(chunk); behind >= size; size = this.#size(chunk)) {
      behind -= size;
      chunk--;
    }
    return [chunk, this.#size(chunk) - 1 - behind];
  }

  #size(chunk: number): number {
    return this.#chunks[chunk]?.length ?? 0;
  }
}
