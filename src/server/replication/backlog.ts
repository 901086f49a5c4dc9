/** What INFO shows of a backlog. Offsets count bytes of the replication stream, the first one is 1. */
export interface BacklogState {
  readonly size: number;
  readonly firstByte: number;
  readonly length: number;
}

/** The smallest backlog; Redis raises lower settings to it. */
export const SMALLEST_BACKLOG = 16 * 1024;

/**
 * The last `size` bytes of a replication stream, as a ring. `firstByte` is the offset of the oldest byte
 * held; `firstByte + length` is the offset of the next byte to come.
 */
export class Backlog {
  #size: number;
  /** Grows as bytes come, up to `#size`: most topologies of tests never fill it. */
  #ring: Buffer;
  #length = 0;
  /** Where in the ring the next byte goes. */
  #next = 0;
  #end: number;

  /** @param end offset of the stream so far: the next byte to come is `end + 1` */
  constructor(size: number, end: number) {
    this.#size = Math.max(size, SMALLEST_BACKLOG);
    this.#ring = Buffer.allocUnsafeSlow(SMALLEST_BACKLOG);
    this.#end = end;
  }

  get size(): number {
    return this.#size;
  }

  get length(): number {
    return this.#length;
  }

  get firstByte(): number {
    return this.#end - this.#length + 1;
  }

  append(bytes: Buffer): void {
    const wanted = this.#length + bytes.length;
    if (wanted > this.#ring.length && this.#ring.length < this.#size) {
      this.#move(Math.min(this.#size, Math.max(wanted, this.#ring.length * 2)));
    }
    const size = this.#ring.length;
    this.#end += bytes.length;
    const tail = bytes.length > size ? bytes.subarray(bytes.length - size) : bytes;
    const fits = tail.copy(this.#ring, this.#next);
    if (fits < tail.length) tail.copy(this.#ring, 0, fits);
    this.#next = (this.#next + tail.length) % size;
    this.#length = Math.min(size, this.#length + tail.length);
  }

  /** True if every byte from `offset` on is held; the offset of the next byte to come is one of these. */
  holds(offset: number): boolean {
    return offset >= this.firstByte && offset <= this.#end + 1;
  }

  /** A copy of the stream from `offset` on. Only for an offset that the backlog {@link holds}. */
  from(offset: number): Buffer {
    if (!this.holds(offset)) throw new RangeError(`offset ${offset} is not in the backlog`);
    const count = this.#end + 1 - offset;
    const size = this.#ring.length;
    const start = (this.#next - count + size) % size;
    if (start + count <= size) return Buffer.from(this.#ring.subarray(start, start + count));
    return Buffer.concat([this.#ring.subarray(start), this.#ring.subarray(0, start + count - size)]);
  }

  /** Changes the size and keeps as much of the end of the stream as fits (Redis 7 does so too). */
  resize(size: number): void {
    this.#size = Math.max(size, SMALLEST_BACKLOG);
    if (this.#ring.length > this.#size) this.#move(this.#size);
  }

  /** Moves the end of the stream into a ring of `capacity` bytes. */
  #move(capacity: number): void {
    const kept = this.from(Math.max(this.firstByte, this.#end + 1 - capacity));
    this.#ring = Buffer.allocUnsafeSlow(capacity);
    kept.copy(this.#ring);
    this.#length = kept.length;
    this.#next = kept.length % capacity;
  }

  get state(): BacklogState {
    return { size: this.size, firstByte: this.firstByte, length: this.#length };
  }
}
