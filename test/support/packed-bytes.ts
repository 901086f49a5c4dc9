export const chars = (...codes: readonly number[]): string => String.fromCharCode(...codes);
const u16 = (value: number): string => chars(value & 255, value >>> 8);
export const u32 = (value: number): string => u16(value & 0xffff) + u16(value >>> 16);

/** Behind an entry of a listpack: its size, to be read backwards. */
function backLength(size: number): string {
  if (size < 128) return chars(size);
  return size < 16_384
    ? chars(size >> 7, (size & 127) | 128)
    : chars(size >> 14, ((size >> 7) & 127) | 128, (size & 127) | 128);
}

/** Of entries as they are encoded, without their sizes. */
export function listpack(...entries: readonly string[]): string {
  const body = entries.map((entry) => entry + backLength(entry.length)).join("");
  return `${u32(body.length + 7)}${u16(entries.length)}${body}\xff`;
}

/** Of entries as they are encoded, without the length of the one before. */
export function ziplist(...entries: readonly string[]): string {
  let body = "";
  let tail = 10;
  let previous = 0;
  for (const entry of entries) {
    tail = 10 + body.length;
    const whole = (previous < 254 ? chars(previous) : `\xfe${u32(previous)}`) + entry;
    previous = whole.length;
    body += whole;
  }
  return `${u32(body.length + 11)}${u32(tail)}${u16(entries.length)}${body}\xff`;
}
