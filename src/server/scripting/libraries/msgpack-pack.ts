import { type LuaMachine, TYPE } from "../lua/machine.js";

/** Tables in tables deeper than this are packed as nil, so that one that holds itself ends somewhere. */
const MAX_NESTING = 16;

const head = (...bytes: number[]): string => String.fromCharCode(...bytes.map((byte) => byte & 0xff));
const big = (value: number, bytes: 2 | 4): string =>
  bytes === 2 ? head(value >>> 8, value) : head(value >>> 24, value >>> 16, value >>> 8, value);

/** The value on top of the stack as MessagePack, taken off the stack. */
export function packValue(m: LuaMachine, L: number, level: number): string {
  const { c } = m;
  const packed = pack(m, L, level);
  c.lua_settop(L, -2);
  return packed;
}

function pack(m: LuaMachine, L: number, level: number): string {
  const { c } = m;
  switch (c.lua_type(L, -1)) {
    case TYPE.string:
      return packText(m.text(L, -1) as string);
    case TYPE.boolean:
      return c.lua_toboolean(L, -1) !== 0 ? "\xc3" : "\xc2";
    case TYPE.number:
      return packNumber(c.lua_tonumber(L, -1));
    case TYPE.table:
      return level === MAX_NESTING ? "\xc0" : packTable(m, L, level);
    default:
      return "\xc0";
  }
}

function packText(text: string): string {
  const { length } = text;
  if (length < 32) return head(0xa0 | length) + text;
  if (length <= 0xff) return head(0xd9, length) + text;
  if (length <= 0xffff) return `\xda${big(length, 2)}${text}`;
  return `\xdb${big(length, 4)}${text}`;
}

function packNumber(value: number): string {
  if (!Number.isInteger(value) || value < -(2 ** 63) || value >= 2 ** 63) return packDouble(value);
  if (value >= 0) {
    if (value <= 127) return head(value);
    if (value <= 0xff) return head(0xcc, value);
    if (value <= 0xffff) return `\xcd${big(value, 2)}`;
    if (value <= 0xffffffff) return `\xce${big(value, 4)}`;
    return `\xcf${int64(value)}`;
  }
  if (value >= -32) return head(value);
  if (value >= -128) return head(0xd0, value);
  if (value >= -32_768) return `\xd1${big(value, 2)}`;
  if (value >= -2_147_483_648) return `\xd2${big(value, 4)}`;
  return `\xd3${int64(value)}`;
}

function int64(value: number): string {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value)));
  return buffer.latin1Slice();
}

/** In four bytes if they hold it exactly. */
function packDouble(value: number): string {
  const single = Math.fround(value) === value;
  const buffer = Buffer.alloc(single ? 4 : 8);
  if (single) buffer.writeFloatBE(value);
  else buffer.writeDoubleBE(value);
  return (single ? "\xca" : "\xcb") + buffer.latin1Slice();
}

function packTable(m: LuaMachine, L: number, level: number): string {
  const { c } = m;
  m.checkStack(L, 4);
  const length = arrayLength(m, L);
  let out = "";
  if (length !== null) {
    for (let i = 1; i <= length; i++) {
      c.lua_pushnumber(L, i);
      c.lua_gettable(L, -2);
      out += packValue(m, L, level + 1);
    }
    return packHead(0x90, 0xdc, length) + out;
  }
  let pairs = 0;
  c.lua_pushnil(L);
  while (c.lua_next(L, -2) !== 0) {
    c.lua_pushvalue(L, -2);
    out += packValue(m, L, level + 1);
    out += packValue(m, L, level + 1);
    pairs++;
  }
  return packHead(0x80, 0xde, pairs) + out;
}

function packHead(small: number, first: number, count: number): string {
  if (count <= 15) return head(small | count);
  return count <= 0xffff ? head(first) + big(count, 2) : head(first + 1) + big(count, 4);
}

/** The number of elements if the keys are 1 … n without a gap; null if they are not. */
function arrayLength(m: LuaMachine, L: number): number | null {
  const { c } = m;
  let count = 0;
  let max = 0;
  c.lua_pushnil(L);
  while (c.lua_next(L, -2) !== 0) {
    c.lua_settop(L, -2);
    const key = c.lua_type(L, -1) === TYPE.number ? c.lua_tonumber(L, -1) : 0;
    if (key <= 0 || !Number.isInteger(key)) {
      c.lua_settop(L, -2);
      return null;
    }
    max = Math.max(max, key);
    count++;
  }
  return max === count ? count : null;
}
