import type { Random } from "../../core/random.js";
import type { ServerCore } from "../server-core.js";
import type { LibraryTable } from "./lua/environment.js";
import type { LuaMachine, NativeFunction } from "./lua/machine.js";

const MULTIPLIER = 0x5deece66dn;
const INCREMENT = 0xbn;
const MASK = (1n << 48n) - 1n;
/** The largest number that is drawn; numbers are taken modulo it, so that 1.0 never comes out. */
const MAX = 2 ** 31 - 1;

/** The generator of POSIX's drand48 family, as Redis has it: the same seed gives the same numbers there and here. */
export class ScriptRandom {
  #state: bigint;

  /** Begins where chance has it. */
  constructor(random: Random) {
    this.#state = BigInt(random.int(2 ** 24)) * (1n << 24n) + BigInt(random.int(2 ** 24));
  }

  seed(seed: number): void {
    this.#state = (BigInt(seed >>> 0) << 16n) + 0x330en;
  }

  /** A number in [0, 1). */
  next(): number {
    this.#state = (this.#state * MULTIPLIER + INCREMENT) & MASK;
    return (Number(this.#state >> 17n) % MAX) / MAX;
  }
}

/** `math.random` and `math.randomseed`, which only a running script may call. */
export function mathTable(server: ServerCore, m: LuaMachine, random: ScriptRandom): LibraryTable {
  const { c } = m;
  const guarded = (name: string, fn: NativeFunction): NativeFunction => {
    return (L) => {
      if (server.scripting.running === null)
        m.raiseText(L, `math.${name} can only be called inside a script invocation`);
      return fn(L);
    };
  };
  return {
    functions: {
      random: guarded("random", (L) => {
        const drawn = random.next();
        const count = c.lua_gettop(L);
        if (count > 2) m.raiseText(L, "wrong number of arguments");
        if (count === 0) {
          c.lua_pushnumber(L, drawn);
          return 1;
        }
        const low = count === 1 ? 1 : m.checkInteger(L, 1);
        const high = m.checkInteger(L, count);
        if (low > high) m.argumentError(L, count, "interval is empty");
        c.lua_pushnumber(L, Math.floor(drawn * (high - low + 1)) + low);
        return 1;
      }),
      randomseed: guarded("randomseed", (L) => {
        random.seed(m.checkInteger(L, 1));
        return 0;
      }),
    },
  };
}
