import { LuaError, type LuaMachine } from "../lua/machine.js";

const TRUNCATED = "Missing bytes in input.";
const BAD = "Bad data format in input.";
/** Arrays in arrays beyond this would use up the stack of the process. */
const MAX_DEPTH = 4000;

/** Reads MessagePack and pushes what it says, one value at a time. */
export class Unpacker {
  #data: Buffer;
  #depth = 0;

  constructor(
    private readonly m: LuaMachine,
    private readonly L: number,
    data: string,
    /** Of the next byte. */
    public position: number,
  ) {
    this.#data = Buffer.from(data, "latin1");
  }

  get done(): boolean {
    return this.position >= this.#data.length;
  }

  /** Pushes the next value. */
  push(): void {
    const { m, L } = this;
    const { c } = m;
    m.checkStack(L, 3, "stack overflow (too many return values at once; use unpack_one or unpack_limit instead.)");
    const data = this.#data;
    const at = this.#take(1);
    const byte = data[at] as number;
    if (byte < 0x80) return c.lua_pushnumber(L, byte);
    if (byte >= 0xe0) return c.lua_pushnumber(L, byte - 256);
    if (byte < 0x90) return this.#map(byte & 15);
    if (byte < 0xa0) return this.#array(byte & 15);
    if (byte < 0xc0) return this.#text(byte & 31);
    switch (byte) {
      case 0xc0:
        return c.lua_pushnil(L);
      case 0xc2:
      case 0xc3:
        return c.lua_pushboolean(L, byte & 1);
      case 0xca:
        return c.lua_pushnumber(L, data.readFloatBE(this.#take(4)));
      case 0xcb:
        return c.lua_pushnumber(L, data.readDoubleBE(this.#take(8)));
      case 0xcc:
      case 0xcd:
      case 0xce: {
        const bytes = 1 << (byte - 0xcc);
        return c.lua_pushnumber(L, data.readUIntBE(this.#take(bytes), bytes));
      }
      // Lua's integers are signed: what is beyond comes out negative, in Redis too.
      case 0xcf:
      case 0xd3:
        return c.lua_pushnumber(L, Number(data.readBigInt64BE(this.#take(8))));
      case 0xd0:
      case 0xd1:
      case 0xd2: {
        const bytes = 1 << (byte - 0xd0);
        return c.lua_pushnumber(L, data.readIntBE(this.#take(bytes), bytes));
      }
      case 0xd9:
        return this.#text(data.readUInt8(this.#take(1)));
      case 0xda:
        return this.#text(data.readUInt16BE(this.#take(2)));
      case 0xdb:
        return this.#text(data.readUInt32BE(this.#take(4)));
      case 0xdc:
        return this.#array(data.readUInt16BE(this.#take(2)));
      case 0xdd:
        return this.#array(data.readUInt32BE(this.#take(4)));
      case 0xde:
        return this.#map(data.readUInt16BE(this.#take(2)));
      case 0xdf:
        return this.#map(data.readUInt32BE(this.#take(4)));
      default:
        throw new LuaError(BAD);
    }
  }

  /** The position of the next `bytes` bytes, which are taken. */
  #take(bytes: number): number {
    const at = this.position;
    if (at + bytes > this.#data.length) throw new LuaError(TRUNCATED);
    this.position += bytes;
    return at;
  }

  #text(length: number): void {
    const at = this.#take(length);
    this.m.pushString(this.L, this.#data.latin1Slice(at, at + length));
  }

  #array(length: number): void {
    const { c } = this.m;
    this.#descend();
    c.lua_createtable(this.L, 0, 0);
    for (let i = 1; i <= length; i++) {
      this.push();
      c.lua_rawseti(this.L, -2, i);
    }
    this.#depth--;
  }

  #map(length: number): void {
    const { c } = this.m;
    this.#descend();
    c.lua_createtable(this.L, 0, 0);
    for (let i = 0; i < length; i++) {
      this.push();
      this.push();
      c.lua_settable(this.L, -3);
    }
    this.#depth--;
  }

  #descend(): void {
    if (++this.#depth > MAX_DEPTH) throw new LuaError(BAD);
  }
}
