import { type LuaMachine, type NativeFunction, REGISTRY, TYPE } from "./machine.js";

/** A table that scripts see through an empty one, which they can't change. */
export interface Locked {
  /** Reference in the registry to the table behind. */
  readonly behind: number;
  /** Reference to what `getmetatable` shows; null: nothing. */
  readonly shown: number | null;
}

/** Locked tables by the address of the one in front. */
export type LockedTables = Map<number, Locked>;

const READ_ONLY = "Attempt to modify a readonly table";
/** What binary chunks start with. They could hold code that no compiler makes, so nobody may load one. */
const BINARY_MARK = "\x1b";

/**
 * Lua's own functions that could get round the lock, done again so that they respect it. A plain Lua table can't be
 * read-only; an empty one with a metatable is, as long as nobody reaches behind it.
 */
export function lockRespecting(m: LuaMachine, locked: LockedTables): Readonly<Record<string, NativeFunction>> {
  const { c } = m;
  const of = (L: number, index: number): Locked | undefined =>
    c.lua_type(L, index) === TYPE.table ? locked.get(c.lua_topointer(L, index)) : undefined;
  const refuse = (L: number): never => {
    m.pushString(L, READ_ONLY);
    return m.raise(L);
  };
  const swap = (L: number): void => {
    const found = of(L, 1);
    if (found === undefined) return;
    c.lua_rawgeti(L, REGISTRY, found.behind);
    c.lua_replace(L, 1);
  };

  const next: NativeFunction = (L) => {
    m.checkType(L, 1, TYPE.table);
    c.lua_settop(L, 2);
    swap(L);
    if (c.lua_next(L, 1) !== 0) return 2;
    c.lua_pushnil(L);
    return 1;
  };
  let plainNext = 0;
  let lockedNext = 0;
  return {
    next,
    pairs(L) {
      m.checkType(L, 1, TYPE.table);
      if (of(L, 1) === undefined) c.lua_rawgeti(L, REGISTRY, plainNext);
      else c.lua_rawgeti(L, REGISTRY, lockedNext);
      c.lua_pushvalue(L, 1);
      c.lua_pushnil(L);
      return 3;
    },
    /** Not for scripts: tells `pairs` which functions walk a plain and a locked table. */
    walkers(L) {
      c.lua_settop(L, 2);
      lockedNext = c.luaL_ref(L, REGISTRY);
      plainNext = c.luaL_ref(L, REGISTRY);
      return 0;
    },
    rawget(L) {
      m.checkType(L, 1, TYPE.table);
      if (c.lua_type(L, 2) === TYPE.none) m.argumentError(L, 2, "value expected");
      c.lua_settop(L, 2);
      swap(L);
      c.lua_rawget(L, 1);
      return 1;
    },
    rawset(L) {
      m.checkType(L, 1, TYPE.table);
      if (of(L, 1) !== undefined) refuse(L);
      for (const argument of [2, 3]) {
        if (c.lua_type(L, argument) === TYPE.none) m.argumentError(L, argument, "value expected");
      }
      c.lua_settop(L, 3);
      c.lua_rawset(L, 1);
      return 1;
    },
    getmetatable(L) {
      if (c.lua_type(L, 1) === TYPE.none) m.argumentError(L, 1, "value expected");
      const found = of(L, 1);
      if (found !== undefined) {
        if (found.shown === null) c.lua_pushnil(L);
        else c.lua_rawgeti(L, REGISTRY, found.shown);
        return 1;
      }
      if (c.lua_getmetatable(L, 1) === 0) {
        c.lua_pushnil(L);
        return 1;
      }
      if (m.rawGetField(L, -1, "__metatable") === TYPE.nil) c.lua_settop(L, -2);
      return 1;
    },
    setmetatable(L) {
      const type = c.lua_type(L, 2);
      m.checkType(L, 1, TYPE.table);
      if (type !== TYPE.nil && type !== TYPE.table) m.argumentError(L, 2, "nil or table expected");
      if (of(L, 1) !== undefined) refuse(L);
      if (c.lua_getmetatable(L, 1) !== 0) {
        if (m.rawGetField(L, -1, "__metatable") !== TYPE.nil) m.raiseText(L, "cannot change a protected metatable");
      }
      c.lua_settop(L, 2);
      c.lua_setmetatable(L, 1);
      return 1;
    },
    loadstring(L) {
      const text = m.checkText(L, 1);
      const name = c.lua_type(L, 2) <= TYPE.nil ? text : m.checkText(L, 2);
      if (text.startsWith(BINARY_MARK)) {
        c.lua_pushnil(L);
        m.pushString(L, "binary chunks can't be loaded");
        return 2;
      }
      if (compile(m, L, text, name) === 0) return 1;
      c.lua_pushnil(L);
      c.lua_insert(L, -2);
      return 2;
    },
  };
}

/** Pushes the function that `text` compiles to, or the error's text with a status other than 0. */
export function compile(m: LuaMachine, L: number, text: string, name: string): number {
  return m.withText(name, (namePointer) =>
    m.withText(text, (pointer, length) => m.c.luaL_loadbuffer(L, pointer, length, namePointer)),
  );
}

/** Opens the libraries of Lua that Redis gives to scripts. */
export function openLibraries(m: LuaMachine, L: number): void {
  const { c } = m;
  const table = c as unknown as Record<string, (L: number) => number>;
  for (const [name, open] of [
    ["", "luaopen_base"],
    ["table", "luaopen_table"],
    ["string", "luaopen_string"],
    ["math", "luaopen_math"],
    ["debug", "luaopen_debug"],
  ] as const) {
    const id = m.register((state) => (table[open] as (L: number) => number)(state));
    m.pushFunction(L, id);
    m.pushString(L, name);
    const status = c.lua_pcall(L, 1, 0, 0);
    m.release(id);
    if (status !== 0) throw new Error(`Lua's library ${open} can't be opened: ${m.text(L, -1)}`);
  }
}
