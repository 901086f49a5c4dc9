import { RdbError } from "./error.js";

/** What one byte of compressed data can give at most: 3 bytes make a copy of 264. */
const MOST_PER_BYTE = 88;

/**
 * Expands an LZF block to exactly `length` bytes. Every read and copy is checked, and a claimed length
 * that the input cannot reach is refused before anything is allocated.
 * @throws RdbError when the block is not valid
 */
export function decompress(input: Buffer, length: number): Buffer {
  if (length > input.length * MOST_PER_BYTE)
    throw new RdbError(`LZF: ${input.length} bytes cannot expand to ${length}`);
  const output = Buffer.allocUnsafe(length);
  let from = 0;
  let to = 0;
  while (from < input.length) {
    const control = input[from++] as number;
    if (control < 32) {
      const count = control + 1;
      if (from + count > input.length || to + count > length)
        throw new RdbError("LZF: literal run out of bounds", from);
      input.copy(output, to, from, from + count);
      from += count;
      to += count;
      continue;
    }
    let count = (control >>> 5) + 2;
    if (count === 9) {
      if (from >= input.length) throw new RdbError("LZF: block ends inside a copy", from);
      count += input[from++] as number;
    }
    if (from >= input.length) throw new RdbError("LZF: block ends inside a copy", from);
    let source = to - (((control & 31) << 8) | (input[from++] as number)) - 1;
    if (source < 0 || to + count > length) throw new RdbError("LZF: copy out of bounds", from);
    // Byte by byte: a copy may overlap what it writes.
    while (count-- > 0) output[to++] = output[source++] as number;
  }
  if (to !== length) throw new RdbError(`LZF: expanded to ${to} bytes where ${length} were announced`);
  return output;
}
