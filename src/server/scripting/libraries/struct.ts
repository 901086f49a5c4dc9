import type { LibraryTable } from "../lua/environment.js";
import { LuaError, type LuaMachine } from "../lua/machine.js";

const MAX_INTEGER_BYTES = 32;
const MAX_ALIGN = 8;
const MAX_INT = 2 ** 31 - 1;
/** Sizes as on a 64-bit Linux, where Redis's own scripts run. */
const SIZES: Readonly<Record<string, number>> = { b: 1, h: 2, l: 8, T: 8, f: 4, d: 8, x: 1 };
const INTEGERS = "bBhHlLTiI";

/** One item of a format: its letter, its size, and the padding that aligns it. */
interface Item {
  readonly option: string;
  readonly size: number;
}

/** Walks through a format; byte order and alignment are what was last said. */
class Format {
  littleEndian = true;
  #align = 1;
  #at = 0;

  constructor(
    private readonly m: LuaMachine,
    private readonly L: number,
    private readonly text: string,
  ) {}

  next(): Item | null {
    if (this.#at >= this.text.length || this.text[this.#at] === "\0") return null;
    const option = this.text[this.#at++] as string;
    if (option === "c") return { option, size: this.#number(1) };
    if (option === "i" || option === "I") {
      const size = this.#number(4);
      if (size > MAX_INTEGER_BYTES) {
        throw new LuaError(`integral size ${size} is larger than limit of ${MAX_INTEGER_BYTES}`);
      }
      return { option, size };
    }
    const size =
      SIZES[option] ?? (option === "B" || option === "H" || option === "L" ? SIZES[option.toLowerCase()] : 0);
    return { option, size: size ?? 0 };
  }

  padding(position: number, { option, size }: Item): number {
    if (size === 0 || option === "c") return 0;
    const unit = Math.min(size, this.#align);
    return (unit - (position & (unit - 1))) & (unit - 1);
  }

  /** An item that is none: it sets byte order or alignment. */
  control(option: string): void {
    if (option === " ") return;
    if (option === ">" || option === "<") this.littleEndian = option === "<";
    else if (option === "!") {
      const align = this.#number(MAX_ALIGN);
      if (align <= 0 || (align & (align - 1)) !== 0) throw new LuaError(`alignment ${align} is not a power of 2`);
      this.#align = align;
    } else this.m.argumentError(this.L, 1, `invalid format option '${option}'`);
  }

  #number(otherwise: number): number {
    const digits = /^\d+/.exec(this.text.slice(this.#at, this.#at + 32))?.[0];
    if (digits === undefined) return otherwise;
    this.#at += digits.length;
    const value = Number(digits);
    if (value > MAX_INT) throw new LuaError("integral size overflow");
    return value;
  }
}

/** The library `struct`: binary records in strings. */
export function structTable(m: LuaMachine): LibraryTable {
  return { functions: { pack: (L) => pack(m, L), unpack: (L) => unpack(m, L), size: (L) => size(m, L) } };
}

function pack(m: LuaMachine, L: number): number {
  const { c } = m;
  const format = new Format(m, L, m.checkText(L, 1));
  c.lua_pushnil(L);
  let argument = 2;
  let out = "";
  for (let item = format.next(); item !== null; item = format.next()) {
    const { option } = item;
    out += "\0".repeat(format.padding(out.length, item));
    if (INTEGERS.includes(option)) out += integerBytes(m.checkNumber(L, argument++), item.size, format.littleEndian);
    else if (option === "x") out += "\0";
    else if (option === "f" || option === "d") {
      out += floatBytes(m.checkNumber(L, argument++), item.size, format.littleEndian);
    } else if (option === "c" || option === "s") {
      const text = m.checkText(L, argument++);
      const wanted = item.size === 0 ? text.length : item.size;
      if (text.length < wanted) m.argumentError(L, argument, "string too short");
      out += text.slice(0, wanted);
      if (option === "s") out += "\0";
    } else format.control(option);
  }
  m.pushString(L, out);
  return 1;
}

function unpack(m: LuaMachine, L: number): number {
  const { c } = m;
  const format = new Format(m, L, m.checkText(L, 1));
  const data = m.checkText(L, 2);
  let at = (c.lua_type(L, 3) <= 0 ? 1 : m.checkInteger(L, 3)) - 1;
  if (at < 0) m.argumentError(L, 3, "offset must be 1 or greater");
  let results = 0;
  for (let item = format.next(); item !== null; item = format.next()) {
    const { option } = item;
    let bytes = item.size;
    at += format.padding(at, item);
    const need = (): void => {
      if (bytes > data.length || at > data.length - bytes) m.argumentError(L, 2, "data string too short");
    };
    need();
    m.checkStack(L, 2, "stack overflow (too many results)");
    if (INTEGERS.includes(option)) {
      const signed = option === option.toLowerCase();
      c.lua_pushnumber(L, integerOf(data.slice(at, at + bytes), format.littleEndian, signed));
      results++;
    } else if (option === "f" || option === "d") {
      c.lua_pushnumber(L, floatOf(data.slice(at, at + bytes), format.littleEndian));
      results++;
    } else if (option === "c") {
      if (bytes === 0) {
        if (results === 0 || c.lua_isnumber(L, -1) === 0) throw new LuaError("format 'c0' needs a previous size");
        bytes = c.lua_tonumber(L, -1) >>> 0;
        c.lua_settop(L, -2);
        results--;
        need();
      }
      m.pushString(L, data.slice(at, at + bytes));
      results++;
    } else if (option === "s") {
      const end = data.indexOf("\0", at);
      if (end < 0) throw new LuaError("unfinished string in data");
      m.pushString(L, data.slice(at, end));
      results++;
      bytes = end - at + 1;
    } else if (option !== "x") format.control(option);
    at += bytes;
  }
  c.lua_pushnumber(L, at + 1);
  return results + 1;
}

function size(m: LuaMachine, L: number): number {
  const format = new Format(m, L, m.checkText(L, 1));
  let total = 0;
  for (let item = format.next(); item !== null; item = format.next()) {
    const { option } = item;
    total += format.padding(total, item);
    if (option === "s") m.argumentError(L, 1, "option 's' has no fixed size");
    if (option === "c" && item.size === 0) m.argumentError(L, 1, "option 'c0' has no fixed size");
    if (!/[A-Za-z]/.test(option) || (item.size === 0 && option !== "c")) format.control(option);
    total += item.size;
  }
  m.c.lua_pushnumber(L, total);
  return 1;
}

function integerBytes(value: number, bytes: number, littleEndian: boolean): string {
  const whole = Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n;
  let rest = BigInt.asUintN(64, whole);
  let out = "";
  for (let i = 0; i < bytes; i++) {
    const byte = String.fromCharCode(Number(rest & 0xffn));
    out = littleEndian ? out + byte : byte + out;
    rest >>= 8n;
  }
  return out;
}

function integerOf(text: string, littleEndian: boolean, signed: boolean): number {
  let value = 0n;
  for (let i = 0; i < text.length; i++) {
    const at = littleEndian ? text.length - 1 - i : i;
    value = (value << 8n) | BigInt(text.charCodeAt(at));
  }
  value = BigInt.asUintN(64, value);
  return Number(signed ? BigInt.asIntN(Math.min(64, text.length * 8), value) : value);
}

function floatBytes(value: number, bytes: number, littleEndian: boolean): string {
  const buffer = Buffer.alloc(bytes);
  if (bytes === 4) littleEndian ? buffer.writeFloatLE(value) : buffer.writeFloatBE(value);
  else littleEndian ? buffer.writeDoubleLE(value) : buffer.writeDoubleBE(value);
  return buffer.latin1Slice();
}

function floatOf(text: string, littleEndian: boolean): number {
  const buffer = Buffer.from(text, "latin1");
  if (text.length === 4) return littleEndian ? buffer.readFloatLE() : buffer.readFloatBE();
  return littleEndian ? buffer.readDoubleLE() : buffer.readDoubleBE();
}
