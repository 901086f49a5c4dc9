/**
 * CRC-64 "Jones" as RDB files and DUMP payloads end with it: reflected polynomial 0xad93d23594c935a9,
 * initial value 0, no final xor. Eight bytes a step by slicing; a 64-bit word is two 32-bit halves,
 * since BigInt would cost an allocation per byte.
 */
const POLY_HIGH = 0x95ac9329;
const POLY_LOW = 0xac4bc9b5;

const LOW = new Uint32Array(8 * 256);
const HIGH = new Uint32Array(8 * 256);

for (let byte = 0; byte < 256; byte++) {
  let high = 0;
  let low = byte;
  for (let bit = 0; bit < 8; bit++) {
    const carry = low & 1;
    low = ((low >>> 1) | (high << 31)) >>> 0;
    high >>>= 1;
    if (carry) {
      high = (high ^ POLY_HIGH) >>> 0;
      low = (low ^ POLY_LOW) >>> 0;
    }
  }
  LOW[byte] = low;
  HIGH[byte] = high;
}
for (let slice = 256; slice < 8 * 256; slice++) {
  const low = LOW[slice - 256] as number;
  const high = HIGH[slice - 256] as number;
  LOW[slice] = (((low >>> 8) | (high << 24)) ^ (LOW[low & 255] as number)) >>> 0;
  HIGH[slice] = ((high >>> 8) ^ (HIGH[low & 255] as number)) >>> 0;
}

/** A checksum that is fed piece by piece. */
export class Crc64 {
  #high = 0;
  #low = 0;

  /** Takes in `buffer[start, end)`. */
  update(buffer: Uint8Array, start = 0, end = buffer.length): this {
    let high = this.#high;
    let low = this.#low;
    let at = start;
    for (; at + 8 <= end; at += 8) {
      const a =
        low ^
        ((buffer[at] as number) |
          ((buffer[at + 1] as number) << 8) |
          ((buffer[at + 2] as number) << 16) |
          ((buffer[at + 3] as number) << 24));
      const b =
        high ^
        ((buffer[at + 4] as number) |
          ((buffer[at + 5] as number) << 8) |
          ((buffer[at + 6] as number) << 16) |
          ((buffer[at + 7] as number) << 24));
      const i7 = 1792 + (a & 255);
      const i6 = 1536 + ((a >>> 8) & 255);
      const i5 = 1280 + ((a >>> 16) & 255);
      const i4 = 1024 + (a >>> 24);
      const i3 = 768 + (b & 255);
      const i2 = 512 + ((b >>> 8) & 255);
      const i1 = 256 + ((b >>> 16) & 255);
      const i0 = b >>> 24;
      low =
        (LOW[i7] as number) ^
        (LOW[i6] as number) ^
        (LOW[i5] as number) ^
        (LOW[i4] as number) ^
        (LOW[i3] as number) ^
        (LOW[i2] as number) ^
        (LOW[i1] as number) ^
        (LOW[i0] as number);
      high =
        (HIGH[i7] as number) ^
        (HIGH[i6] as number) ^
        (HIGH[i5] as number) ^
        (HIGH[i4] as number) ^
        (HIGH[i3] as number) ^
        (HIGH[i2] as number) ^
        (HIGH[i1] as number) ^
        (HIGH[i0] as number);
    }
    for (; at < end; at++) {
      const index = (low ^ (buffer[at] as number)) & 255;
      low = ((low >>> 8) | (high << 24)) ^ (LOW[index] as number);
      high = (high >>> 8) ^ (HIGH[index] as number);
    }
    this.#high = high >>> 0;
    this.#low = low >>> 0;
    return this;
  }

  /** The checksum so far, 8 bytes little-endian, as it stands at the end of a file. */
  digest(): Buffer {
    const out = Buffer.alloc(8);
    out.writeUInt32LE(this.#low, 0);
    out.writeUInt32LE(this.#high, 4);
    return out;
  }
}
