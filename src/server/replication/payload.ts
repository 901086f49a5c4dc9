import type { PayloadHeader } from "../../protocol/psync.js";

/** Bytes that are copied in one go: about a millisecond, with the memory that they go to. */
const JOINED_AT_ONCE = 1024 * 1024;

/** Collects the payload of a full resync, in either form, and finds where it ends. */
export class PayloadReader {
  readonly #chunks: Buffer[] = [];
  readonly #mark: Buffer | null;
  readonly #total: number;
  #received = 0;
  #tail = Buffer.alloc(0);

  constructor(header: PayloadHeader) {
    this.#mark = header.kind === "mark" ? Buffer.from(header.mark, "latin1") : null;
    this.#total = header.kind === "length" ? header.bytes : -1;
  }

  /** Bytes announced; -1 where only a mark ends the payload. */
  get total(): number {
    return this.#total;
  }

  get received(): number {
    return this.#received;
  }

  /** Takes bytes; when the payload is complete returns those that follow it, else null. */
  push(chunk: Buffer): Buffer | null {
    if (this.#mark) return this.#pushUntilMark(chunk, this.#mark);
    const missing = this.#total - this.#received;
    if (chunk.length < missing) {
      this.#keep(chunk);
      return null;
    }
    this.#keep(chunk.subarray(0, missing));
    return chunk.subarray(missing);
  }

  /**
   * The whole payload, which is given away. A large one is put together in pieces.
   * @param turn awaited between pieces: lets others have their turn
   */
  async take(turn: () => Promise<void>): Promise<Buffer> {
    const chunks = this.#chunks.splice(0);
    const [first] = chunks;
    if (chunks.length === 1 && first !== undefined) return first;
    const whole = Buffer.allocUnsafeSlow(this.#received);
    let at = 0;
    let pauseAt = JOINED_AT_ONCE;
    for (const chunk of chunks) {
      chunk.copy(whole, at);
      at += chunk.length;
      if (at < pauseAt) continue;
      pauseAt = at + JOINED_AT_ONCE;
      await turn();
    }
    return whole;
  }

  #pushUntilMark(chunk: Buffer, mark: Buffer): Buffer | null {
    // The mark may be cut between reads: up to 39 bytes are held back until what follows is seen.
    const seen = this.#tail.length > 0 ? Buffer.concat([this.#tail, chunk]) : chunk;
    const at = seen.indexOf(mark);
    if (at >= 0) {
      this.#keep(seen.subarray(0, at));
      return seen.subarray(at + mark.length);
    }
    const held = Math.min(seen.length, mark.length - 1);
    this.#keep(seen.subarray(0, seen.length - held));
    this.#tail = Buffer.from(seen.subarray(seen.length - held));
    return null;
  }

  #keep(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#received += chunk.length;
  }
}
