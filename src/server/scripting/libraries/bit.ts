import type { LibraryTable } from "../lua/environment.js";
import { type LuaMachine, type NativeFunction, TYPE } from "../lua/machine.js";

const TWO_32 = 2 ** 32;

/** A number as 32 bits: rounded to the nearest whole (halves to even), then taken modulo 2³². */
export function toBits(value: number): number {
  if (Number.isInteger(value)) return value | 0;
  if (!Number.isFinite(value)) return 0;
  const floor = Math.floor(value);
  const half = value - floor;
  const even = Math.abs(floor % 2) === 0;
  const rounded = half > 0.5 || (half === 0.5 && !even) ? floor + 1 : floor;
  return (((rounded % TWO_32) + TWO_32) % TWO_32) | 0;
}

/** The library `bit`: operations on 32 bits. */
export function bitTable(m: LuaMachine): LibraryTable {
  const { c } = m;
  const bits = (L: number, argument: number): number => toBits(m.checkNumber(L, argument));
  const answer = (L: number, value: number): number => {
    c.lua_pushnumber(L, value | 0);
    return 1;
  };
  const fold = (step: (a: number, b: number) => number): NativeFunction => {
    return (L) => {
      let value = bits(L, 1);
      for (let i = c.lua_gettop(L); i > 1; i--) value = step(value, bits(L, i));
      return answer(L, value);
    };
  };
  const shift = (step: (value: number, by: number) => number): NativeFunction => {
    return (L) => {
      const value = bits(L, 1);
      return answer(L, step(value, bits(L, 2) & 31));
    };
  };
  return {
    functions: {
      tobit: (L) => answer(L, bits(L, 1)),
      bnot: (L) => answer(L, ~bits(L, 1)),
      band: fold((a, b) => a & b),
      bor: fold((a, b) => a | b),
      bxor: fold((a, b) => a ^ b),
      lshift: shift((value, by) => value << by),
      rshift: shift((value, by) => value >>> by),
      arshift: shift((value, by) => value >> by),
      rol: shift((value, by) => (value << by) | (value >>> ((32 - by) & 31))),
      ror: shift((value, by) => (value >>> by) | (value << ((32 - by) & 31))),
      bswap(L) {
        const v = bits(L, 1);
        return answer(L, (v >>> 24) | ((v >>> 8) & 0xff00) | ((v << 8) & 0xff0000) | (v << 24));
      },
      tohex(L) {
        const value = bits(L, 1);
        const wanted = c.lua_type(L, 2) === TYPE.none ? 8 : bits(L, 2);
        const digits = Math.min(8, Math.abs(wanted));
        const hex = (value >>> 0)
          .toString(16)
          .padStart(8, "0")
          .slice(8 - digits);
        m.pushString(L, wanted < 0 ? hex.toUpperCase() : hex);
        return 1;
      },
    },
  };
}
