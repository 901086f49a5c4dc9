import type { Bytes } from "../../protocol/resp/reply.js";
import { Input } from "./input.js";

/** Elements of a listpack (Redis 7). */
export function readListpack(blob: Buffer): Bytes[] {
  const input = new Input(blob);
  const total = input.u32();
  if (total !== blob.length) input.fail(`listpack says ${total} bytes and has ${blob.length}`);
  const announced = input.u16();
  const items: Bytes[] = [];
  for (;;) {
    const start = input.position;
    const first = input.u8();
    if (first === 0xff) break;
    items.push(listpackEntry(input, first));
    checkBackLength(input, input.position - start);
  }
  if (announced !== 0xffff && announced !== items.length)
    input.fail(`listpack says ${announced} entries and has ${items.length}`);
  if (input.remaining > 0) input.fail("bytes behind the end of a listpack");
  return items;
}

/** Behind each entry stands its size, in groups of 7 bits of which all but the first say that there are more before. */
function checkBackLength(input: Input, size: number): void {
  if (size < 128) {
    if (input.u8() !== size) input.fail("a listpack entry's size is wrong");
    return;
  }
  const width = size < 16_384 ? 2 : size < 2_097_152 ? 3 : size < 268_435_456 ? 4 : 5;
  for (let i = width - 1; i >= 0; i--) {
    const group = Math.floor(size / 128 ** i) & 127;
    if (input.u8() !== (i === width - 1 ? group : group | 128)) input.fail("a listpack entry's size is wrong");
  }
}

function listpackEntry(input: Input, first: number): Bytes {
  if (first < 0x80) return String(first);
  if (first < 0xc0) return input.text(first & 63);
  if (first < 0xe0) {
    const raw = ((first & 31) << 8) | input.u8();
    return String(raw < 4096 ? raw : raw - 8192);
  }
  if (first < 0xf0) return input.text(((first & 15) << 8) | input.u8());
  switch (first) {
    case 0xf0:
      return input.text(input.u32());
    case 0xf1:
      return input.decimal(2);
    case 0xf2:
      return input.decimal(3);
    case 0xf3:
      return input.decimal(4);
    case 0xf4:
      return input.decimal(8);
    default:
      return input.fail(`unknown listpack encoding 0x${first.toString(16)}`);
  }
}

/** Elements of a ziplist (before Redis 7). */
export function readZiplist(blob: Buffer): Bytes[] {
  const input = new Input(blob);
  const total = input.u32();
  if (total !== blob.length) input.fail(`ziplist says ${total} bytes and has ${blob.length}`);
  const tail = input.u32();
  const announced = input.u16();
  const items: Bytes[] = [];
  let start = input.position;
  let last = start;
  let size = 0;
  for (let first = input.u8(); first !== 0xff; first = input.u8()) {
    const previous = first === 0xfe ? input.u32() : first;
    if (previous !== size) input.fail("a ziplist entry's size of the one before is wrong");
    items.push(ziplistEntry(input, input.u8()));
    last = start;
    size = input.position - start;
    start = input.position;
  }
  if (tail !== last) input.fail("a ziplist's last entry is elsewhere");
  if (announced !== 0xffff && announced !== items.length)
    input.fail(`ziplist says ${announced} entries and has ${items.length}`);
  if (input.remaining > 0) input.fail("bytes behind the end of a ziplist");
  return items;
}

function ziplistEntry(input: Input, first: number): Bytes {
  if (first < 0x40) return input.text(first);
  if (first < 0x80) return input.text(((first & 63) << 8) | input.u8());
  if (first < 0xc0) return input.text(input.u32be());
  switch (first) {
    case 0xc0:
      return input.decimal(2);
    case 0xd0:
      return input.decimal(4);
    case 0xe0:
      return input.decimal(8);
    case 0xf0:
      return input.decimal(3);
    case 0xfe:
      return input.decimal(1);
    default:
      if (first >= 0xf1 && first <= 0xfd) return String((first & 15) - 1);
      return input.fail(`unknown ziplist encoding 0x${first.toString(16)}`);
  }
}

/** Members of an intset, in decimal. */
export function readIntset(blob: Buffer): Bytes[] {
  const input = new Input(blob);
  const width = input.u32();
  const count = input.u32();
  if (width !== 2 && width !== 4 && width !== 8) return input.fail(`unknown intset width ${width}`);
  if (input.remaining !== width * count) input.fail(`intset of ${count} has ${input.remaining} bytes`);
  const members: Bytes[] = [];
  for (let i = 0; i < count; i++) members.push(input.decimal(width));
  return members;
}

/** Fields and values, alternating, of a zipmap (before Redis 2.6). */
export function readZipmap(blob: Buffer): Bytes[] {
  const input = new Input(blob);
  const announced = input.u8();
  const length = (first: number): number => (first === 254 ? input.u32() : first);
  const pairs: Bytes[] = [];
  for (let first = input.u8(); first !== 255; first = input.u8()) {
    pairs.push(input.text(length(first)));
    const size = length(input.u8());
    const free = input.u8();
    pairs.push(input.text(size));
    input.skip(free);
  }
  const elements = pairs.length / 2;
  if (elements === 0) input.fail("a zipmap without elements");
  if (announced !== 254 && announced !== elements) input.fail(`zipmap says ${announced} elements and has ${elements}`);
  if (input.remaining > 0) input.fail("bytes behind the end of a zipmap");
  return pairs;
}
