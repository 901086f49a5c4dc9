/** Up to so many elements all are looked at; of more as many, and the rest are taken to be like them. */
export const ACCOUNT_SAMPLES = 16;

/**
 * What the memory account notes of a collection. Elements are looked at again only when their number has changed by a
 * quarter, so that a change of a large collection costs a multiplication.
 */
export class Account {
  bytes = 0;
  #elementBytes = 0;
  #least = 0;
  #most = 0;

  /**
   * Notes what the collection takes now; returns by how much more that is than before.
   * @param baseBytes what it takes when empty
   * @param meanElement bytes of an element on average
   */
  update(size: number, baseBytes: number, meanElement: () => number): number {
    if (size <= ACCOUNT_SAMPLES || size < this.#least || size > this.#most) {
      this.#elementBytes = Math.round(meanElement());
      this.#least = Math.floor(size * 0.75);
      this.#most = Math.ceil(size * 1.25);
    }
    const old = this.bytes;
    this.bytes = baseBytes + size * this.#elementBytes;
    return this.bytes - old;
  }
}
