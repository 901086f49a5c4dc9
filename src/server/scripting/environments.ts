import type { ServerCore } from "../server-core.js";
import { bitTable } from "./libraries/bit.js";
import { cjsonTable } from "./libraries/cjson.js";
import { cmsgpackTable } from "./libraries/cmsgpack.js";
import { structTable } from "./libraries/struct.js";
import { type LibraryTable, LuaEnvironment } from "./lua/environment.js";
import { luaMachine, type NativeFunction } from "./lua/machine.js";
import { mathTable, ScriptRandom } from "./math-random.js";
import { evalOnly, logTable, redisTable } from "./redis-table.js";

/** A Lua state with all that scripts of EVAL, or functions, find in it. */
export function openEnvironment(
  server: ServerCore,
  mode: "eval" | "function",
  loadFunctions: Readonly<Record<string, NativeFunction>> = {},
): LuaEnvironment {
  const m = luaMachine();
  const redis = redisTable(server, m);
  const log = logTable(server, m);
  const tables: Record<string, LibraryTable> = {
    redis: mode === "eval" ? { ...redis, functions: { ...redis.functions, ...evalOnly(m) } } : redis,
    math: mathTable(server, m, new ScriptRandom(server.random)),
    bit: bitTable(m),
    cjson: cjsonTable(m),
    cmsgpack: cmsgpackTable(m),
    struct: structTable(m),
  };
  return new LuaEnvironment(m, tables, { ...log, functions: { ...log.functions, ...loadFunctions } });
}
