/** What INFO shows of a backlog. Offsets count bytes of the replication stream, the first one is 1. */
export interface BacklogState {
  readonly size: number;
  readonly firstByte: number;
  readonly length: number;
}

/** The smallest backlog; Redis raises lower settings to it. */
export const SMALLEST_BACKLOG = 16 * 1024;

/** Small pieces are gathered in blocks of this many bytes; larger ones are blocks of their own. */
const BLOCK_BYTES = 16 * 1024;
/** Blocks that are no longer needed and may stay in the list, so that it is not moved for each of them. */
const SPENT_BLOCKS = 64;

/** A piece of the stream. Bytes that were written never change: readers may keep views of them. */
interface Block {
  /** Offset of its first byte. */
  readonly start: number;
  readonly bytes: Buffer;
  used: number;
}

/**
 * The end of a replication stream: its last `size` bytes, and before them what the slowest reader still has to get. All
 * replicas read from here, so that what waits for them is kept once. `firstByte` is the offset of the oldest byte held;
 * `firstByte + length` is the offset of the next byte to come.
 */
export class Backlog {
  #size: number;
  #blocks: Block[] = [];
  /** Index of the oldest block that is needed. */
  #first = 0;
  #end: number;
  #firstByte: number;
  /** Offset of the next byte that the slowest reader wants; infinite where none lags. */
  #wanted = Number.POSITIVE_INFINITY;

  /** @param end offset of the stream so far: the next byte to come is `end + 1` */
  constructor(size: number, end: number) {
    this.#size = Math.max(size, SMALLEST_BACKLOG);
    this.#end = end;
    this.#firstByte = end + 1;
  }

  get size(): number {
    return this.#size;
  }

  get length(): number {
    return this.#end - this.#firstByte + 1;
  }

  get firstByte(): number {
    return this.#firstByte;
  }

  /** Takes over `bytes`, which must not change afterwards. */
  append(bytes: Buffer): void {
    if (bytes.length === 0) return;
    const tail = this.#blocks.at(-1);
    const room = tail === undefined ? 0 : tail.bytes.length - tail.used;
    if (tail !== undefined && bytes.length <= room) {
      bytes.copy(tail.bytes, tail.used);
      tail.used += bytes.length;
    } else if (bytes.length >= BLOCK_BYTES) {
      this.#blocks.push({ start: this.#end + 1, bytes, used: bytes.length });
    } else {
      const block = { start: this.#end + 1, bytes: Buffer.allocUnsafeSlow(BLOCK_BYTES), used: bytes.length };
      bytes.copy(block.bytes);
      this.#blocks.push(block);
    }
    this.#end += bytes.length;
    this.#trim();
  }

  /** Says which byte the slowest reader wants next: what comes before it may go, as far as the size allows. */
  keepFrom(offset: number): void {
    this.#wanted = offset;
    this.#trim();
  }

  /** True if every byte from `offset` on is held; the offset of the next byte to come is one of these. */
  holds(offset: number): boolean {
    return offset >= this.#firstByte && offset <= this.#end + 1;
  }

  /**
   * A view of the stream from `offset` on, as far as it is of one piece; empty at its end.
   * @throws RangeError for an offset that the backlog doesn't hold
   */
  read(offset: number): Buffer {
    if (!this.holds(offset)) throw new RangeError(`offset ${offset} is not in the backlog`);
    const block = this.#blocks[this.#find(offset)];
    return block === undefined ? Buffer.alloc(0) : block.bytes.subarray(offset - block.start, block.used);
  }

  /** A copy of the stream from `offset` on. Only for an offset that the backlog {@link holds}. */
  from(offset: number): Buffer {
    const pieces: Buffer[] = [];
    for (let at = offset, piece = this.read(at); piece.length > 0; piece = this.read(at)) {
      pieces.push(piece);
      at += piece.length;
    }
    return Buffer.concat(pieces);
  }

  /** Changes the size and keeps as much of the end of the stream as fits (Redis 7 does so too). */
  resize(size: number): void {
    this.#size = Math.max(size, SMALLEST_BACKLOG);
    this.#trim();
  }

  get state(): BacklogState {
    return { size: this.size, firstByte: this.firstByte, length: this.length };
  }

  /** Index of the block that holds `offset`; beyond the last one for the offset of the next byte to come. */
  #find(offset: number): number {
    let low = this.#first;
    let high = this.#blocks.length;
    // Readers are mostly at the end.
    const tail = this.#blocks.at(-1);
    if (tail !== undefined && offset >= tail.start) low = high - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      const block = this.#blocks[middle] as Block;
      if (block.start + block.used <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #trim(): void {
    this.#firstByte = Math.max(this.#firstByte, Math.min(this.#end + 1 - this.#size, this.#wanted));
    for (let block = this.#blocks[this.#first]; block !== undefined; block = this.#blocks[this.#first]) {
      // The last block is written to.
      if (block.start + block.used > this.#firstByte || this.#first === this.#blocks.length - 1) break;
      this.#blocks[this.#first++] = NOTHING;
    }
    if (this.#first > SPENT_BLOCKS && this.#first * 2 > this.#blocks.length) {
      this.#blocks = this.#blocks.slice(this.#first);
      this.#first = 0;
    }
  }
}

/** In the place of a block that was let go. */
const NOTHING: Block = { start: 0, bytes: Buffer.alloc(0), used: 0 };
