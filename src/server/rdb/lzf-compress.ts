/**
 * Places where three bytes were last seen, by their hash. What a former call has left is only a hint: the bytes there are
 * compared anyway, so nothing needs to be cleared.
 */
const HASH_BITS = 13;
const places = new Int32Array(1 << HASH_BITS);
const MAX_LITERAL = 32;
const MAX_OFFSET = 1 << 13;
const MAX_COPY = 264;

/**
 * Packs bytes as LZF, the compression of RDB strings: runs of literals, and copies of at least three bytes from at most
 * 8 KB before.
 * @returns null if the result would not be at least four bytes shorter
 */
export function compress(input: Buffer): Buffer | null {
  const { length } = input;
  const limit = length - 4;
  if (limit <= 0) return null;
  const output = Buffer.allocUnsafe(limit);
  let to = 1;
  let literals = 0;
  let at = 0;
  while (at < length) {
    if (at + 2 < length) {
      const three = ((input[at] as number) << 16) | ((input[at + 1] as number) << 8) | (input[at + 2] as number);
      const slot = Math.imul(three, 0x9e3779b1) >>> (32 - HASH_BITS);
      const before = places[slot] as number;
      places[slot] = at;
      if (
        before < at &&
        at - before <= MAX_OFFSET &&
        input[before] === input[at] &&
        input[before + 1] === input[at + 1] &&
        input[before + 2] === input[at + 2]
      ) {
        let count = 3;
        const most = Math.min(MAX_COPY, length - at);
        while (count < most && input[before + count] === input[at + count]) count++;
        // The run of literals before it ends here; an empty one leaves no byte.
        if (literals > 0) output[to - literals - 1] = literals - 1;
        else to--;
        if (to + 4 > limit) return null;
        const offset = at - before - 1;
        const code = count - 2;
        if (code < 7) output[to++] = (code << 5) | (offset >> 8);
        else {
          output[to++] = (7 << 5) | (offset >> 8);
          output[to++] = code - 7;
        }
        output[to++] = offset & 255;
        to++;
        literals = 0;
        at += count;
        continue;
      }
    }
    if (to >= limit) return null;
    output[to++] = input[at++] as number;
    if (++literals === MAX_LITERAL) {
      output[to - literals - 1] = literals - 1;
      literals = 0;
      to++;
    }
  }
  if (literals > 0) output[to - literals - 1] = literals - 1;
  else to--;
  return to <= limit ? output.subarray(0, to) : null;
}
