import type { LibraryTable } from "../lua/environment.js";
import { LuaError, type LuaMachine, type NativeFunction } from "../lua/machine.js";
import { packValue } from "./msgpack-pack.js";
import { Unpacker } from "./msgpack-unpack.js";

/** The library `cmsgpack`: MessagePack. */
export function cmsgpackTable(m: LuaMachine): LibraryTable {
  const { c } = m;
  const optional = (L: number, argument: number): number =>
    c.lua_type(L, argument) <= 0 ? 0 : m.checkInteger(L, argument);

  const unpack = (L: number, limit: number, offset: number): number => {
    c.lua_settop(L, 1);
    const data = m.checkText(L, 1);
    if (offset < 0 || limit < 0) {
      throw new LuaError(`Invalid request to unpack with offset of ${offset} and limit of ${data.length}.`);
    }
    if (offset > data.length) throw new LuaError(`Start offset ${offset} greater than input length ${data.length}.`);
    const all = limit === 0 && offset === 0;
    const unpacker = new Unpacker(m, L, data, offset);
    let count = 0;
    while (!unpacker.done && (all || count < limit)) {
      unpacker.push();
      count++;
    }
    if (all) return count;
    m.checkStack(L, 1);
    c.lua_pushnumber(L, unpacker.done ? -1 : unpacker.position);
    c.lua_insert(L, 2);
    return count + 1;
  };

  const functions: Record<string, NativeFunction> = {
    pack(L) {
      const count = c.lua_gettop(L);
      if (count === 0) m.argumentError(L, 0, "MessagePack pack needs input.");
      let out = "";
      for (let i = 1; i <= count; i++) {
        m.checkStack(L, 1);
        c.lua_pushvalue(L, i);
        out += packValue(m, L, 0);
      }
      m.pushString(L, out);
      return 1;
    },
    unpack: (L) => unpack(L, 0, 0),
    unpack_one: (L) => unpack(L, 1, optional(L, 2)),
    unpack_limit: (L) => unpack(L, m.checkInteger(L, 2), optional(L, 3)),
  };
  return {
    functions,
    values: {
      _NAME: "cmsgpack",
      _VERSION: "lua-cmsgpack 0.4.0",
      _COPYRIGHT: "Copyright (C) 2012, Salvatore Sanfilippo",
      _DESCRIPTION: "MessagePack C implementation for Lua",
    },
  };
}
