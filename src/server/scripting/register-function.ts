import type { Bytes } from "../../protocol/resp/reply.js";
import { SCRIPT_FLAGS } from "./flags.js";
import { BAD_NAME, type FunctionLibrary, isGoodName } from "./library-set.js";
import { type LuaMachine, REGISTRY, TYPE } from "./lua/machine.js";
import { raiseTable } from "./redis-table.js";

interface Draft {
  name: Bytes | null;
  description: Bytes | null;
  flags: number;
  ref: number | null;
}

/** `redis.register_function(name, callback)` or `redis.register_function{…}`, into the library that is being loaded. */
export function registerFunction(m: LuaMachine, L: number, library: FunctionLibrary | null): number {
  const { c } = m;
  if (library === null) raiseTable(m, L, "redis.register_function can only be called on FUNCTION LOAD command");
  const count = c.lua_gettop(L);
  if (count < 1 || count > 2) raiseTable(m, L, "wrong number of arguments to redis.register_function");
  const draft: Draft = { name: null, description: null, flags: 0, ref: null };
  const problem = (count === 1 ? readNamed(m, L, draft) : readPositional(m, L, draft)) ?? problemOf(draft, library);
  if (problem !== null) {
    if (draft.ref !== null) c.luaL_unref(L, REGISTRY, draft.ref);
    raiseTable(m, L, problem);
  }
  const { name, description, flags, ref } = draft as { name: Bytes; ref: number } & Draft;
  library.functions.set(name, { name, description, flags, ref });
  return 0;
}

function problemOf(draft: Draft, library: FunctionLibrary): string | null {
  if (draft.name === null) return "redis.register_function must get a function name argument";
  if (draft.ref === null) return "redis.register_function must get a callback argument";
  if (!isGoodName(draft.name)) return BAD_NAME;
  return library.functions.has(draft.name) ? "Function already exists in the library" : null;
}

function readPositional(m: LuaMachine, L: number, draft: Draft): string | null {
  const { c } = m;
  draft.name = m.text(L, 1);
  if (draft.name === null) return "first argument to redis.register_function must be a string";
  if (c.lua_type(L, 2) !== TYPE.function) return "second argument to redis.register_function must be a function";
  draft.ref = c.luaL_ref(L, REGISTRY);
  return null;
}

function readNamed(m: LuaMachine, L: number, draft: Draft): string | null {
  const { c } = m;
  if (c.lua_type(L, 1) !== TYPE.table) {
    return "calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).";
  }
  c.lua_pushnil(L);
  while (c.lua_next(L, 1) !== 0) {
    if (c.lua_type(L, -2) !== TYPE.string) {
      return "named argument key given to redis.register_function is not a string";
    }
    const problem = readArgument(m, L, (m.text(L, -2) as Bytes).toLowerCase(), draft);
    if (problem !== null) return problem;
    c.lua_settop(L, 2);
  }
  return null;
}

/** One named argument, whose value is on top of the stack. */
function readArgument(m: LuaMachine, L: number, name: Bytes, draft: Draft): string | null {
  const { c } = m;
  switch (name) {
    case "function_name":
      draft.name = m.text(L, -1);
      return draft.name === null ? "function_name argument given to redis.register_function must be a string" : null;
    case "description":
      draft.description = m.text(L, -1);
      return draft.description === null
        ? "description argument given to redis.register_function must be a string"
        : null;
    case "callback":
      if (c.lua_type(L, -1) !== TYPE.function) {
        return "callback argument given to redis.register_function must be a function";
      }
      c.lua_pushvalue(L, -1);
      draft.ref = c.luaL_ref(L, REGISTRY);
      return null;
    case "flags":
      if (c.lua_type(L, -1) !== TYPE.table) {
        return "flags argument to redis.register_function must be a table representing function flags";
      }
      return readFlags(m, L, draft) ? null : "unknown flag given";
    default:
      return "unknown argument given to redis.register_function";
  }
}

function readFlags(m: LuaMachine, L: number, draft: Draft): boolean {
  const { c } = m;
  for (let i = 1; ; i++) {
    c.lua_rawgeti(L, -1, i);
    const text = m.text(L, -1);
    const ended = c.lua_type(L, -1) === TYPE.nil;
    c.lua_settop(L, -2);
    if (ended) return true;
    const flag = SCRIPT_FLAGS.get((text ?? "").toLowerCase());
    if (flag === undefined) return false;
    draft.flags |= flag;
  }
}
