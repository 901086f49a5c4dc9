import type { Bytes } from "../../protocol/resp/reply.js";
import type { Image } from "./image.js";
import { WideMap } from "./wide-map.js";

/** As {@link WideMap}, of members alone. */
export class WideSet {
  readonly #members = new WideMap<true>();

  constructor(members: Iterable<Bytes> = []) {
    for (const member of members) this.add(member);
  }

  get size(): number {
    return this.#members.size;
  }

  has(member: Bytes): boolean {
    return this.#members.has(member);
  }

  add(member: Bytes): this {
    this.#members.set(member, true);
    return this;
  }

  delete(member: Bytes): boolean {
    return this.#members.delete(member);
  }

  keys(): IterableIterator<Bytes> {
    return this.#members.keys();
  }

  [Symbol.iterator](): IterableIterator<Bytes> {
    return this.#members.keys();
  }

  /** As {@link WideMap.image}. */
  image(watch: boolean): Image<ReadonlyMap<Bytes, true>> {
    return this.#members.image(watch);
  }
}
