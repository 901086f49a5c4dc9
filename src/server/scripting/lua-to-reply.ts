import type { Reply } from "../../protocol/resp/reply.js";
import {
  BigNumberReply,
  BooleanReply,
  DoubleReply,
  ErrorReply,
  MapReply,
  SetReply,
  SimpleString,
  VerbatimReply,
} from "../../protocol/resp/reply.js";
import { CountedErrorReply } from "../dispatch/errors.js";
import { type LuaMachine, TYPE } from "./lua/machine.js";

/** Tables in tables up to here are answered; Redis ends about where its Lua stack does. */
const MAX_DEPTH = 2000;

/** The value on top of the stack as a reply to a client, taken off the stack. `resp` is what the script has chosen. */
export function popReply(m: LuaMachine, L: number, resp: 2 | 3, depth = 0): Reply {
  const { c } = m;
  if (depth > MAX_DEPTH || c.lua_checkstack(L, 6) === 0) {
    c.lua_settop(L, -2);
    return new ErrorReply("ERR reached lua stack limit");
  }
  const reply = read(m, L, resp, depth);
  c.lua_settop(L, -2);
  return reply;
}

function read(m: LuaMachine, L: number, resp: 2 | 3, depth: number): Reply {
  const { c } = m;
  switch (c.lua_type(L, -1)) {
    case TYPE.string:
      return m.text(L, -1);
    case TYPE.boolean: {
      const value = c.lua_toboolean(L, -1) !== 0;
      if (resp === 3) return new BooleanReply(value);
      return value ? 1 : null;
    }
    case TYPE.number:
      return integerOf(c.lua_tonumber(L, -1));
    case TYPE.table:
      return readTable(m, L, resp, depth);
    default:
      return null;
  }
}

const INT64_MIN = -(2n ** 63n);

/** A number without its fraction; beyond 64 bits what a processor's conversion leaves of it. */
function integerOf(value: number): number | bigint {
  const whole = Math.trunc(value);
  if (Number.isSafeInteger(whole)) return whole + 0;
  if (!(whole >= -(2 ** 63) && whole < 2 ** 63)) return INT64_MIN;
  return BigInt(whole);
}

function readTable(m: LuaMachine, L: number, resp: 2 | 3, depth: number): Reply {
  const { c } = m;
  const special = readSpecial(m, L, resp, depth);
  if (special !== undefined) return special;
  const items: Reply[] = [];
  for (let i = 1; ; i++) {
    c.lua_rawgeti(L, -1, i);
    if (c.lua_type(L, -1) === TYPE.nil) break;
    items.push(popReply(m, L, resp, depth + 1));
  }
  c.lua_settop(L, -2);
  return items;
}

/** A table with one of the fields that stand for a kind of reply; undefined if it is a plain array. */
function readSpecial(m: LuaMachine, L: number, resp: 2 | 3, depth: number): Reply | undefined {
  const { c } = m;
  const take = <T>(name: string, type: number, use: () => T): T | undefined => {
    const found = m.rawGetField(L, -1, name) === type ? use() : undefined;
    c.lua_settop(L, -2);
    return found;
  };
  const text = (): string => m.text(L, -1) ?? "";
  const error = take("err", TYPE.string, text);
  if (error !== undefined) {
    const counted = take("ignore_error_stats_update", TYPE.boolean, () => c.lua_toboolean(L, -1) !== 0) ?? false;
    return counted ? new CountedErrorReply(error) : new ErrorReply(error);
  }
  const cString = (value: string): string => value.split("\0", 1)[0] as string;
  const status = take("ok", TYPE.string, text);
  if (status !== undefined) return new SimpleString(cString(status).replace(/[\r\n]/g, " "));
  const double = take("double", TYPE.number, () => c.lua_tonumber(L, -1));
  if (double !== undefined) return new DoubleReply(double);
  const big = take("big_number", TYPE.string, text);
  if (big !== undefined) return new BigNumberReply(big.replace(/[\r\n]/g, " "));
  const verbatim = take("verbatim_string", TYPE.table, () => {
    const format = take("format", TYPE.string, text);
    const string = take("string", TYPE.string, text);
    return format === undefined || string === undefined
      ? undefined
      : new VerbatimReply(format.slice(0, 3).padEnd(3), string);
  });
  if (verbatim !== undefined) return verbatim;
  const map = take("map", TYPE.table, () => new MapReply(readPairs(m, L, resp, depth)));
  if (map !== undefined) return map;
  return take("set", TYPE.table, () => new SetReply(readPairs(m, L, resp, depth).map(([member]) => member)));
}

/** The pairs of the table on top of the stack. */
function readPairs(m: LuaMachine, L: number, resp: 2 | 3, depth: number): [Reply, Reply][] {
  const { c } = m;
  const pairs: [Reply, Reply][] = [];
  c.lua_pushnil(L);
  while (c.lua_next(L, -2) !== 0) {
    const value = popReply(m, L, resp, depth + 1);
    // A copy: reading a number as text would change the key in place and lose the way through the table.
    c.lua_pushvalue(L, -1);
    pairs.push([popReply(m, L, resp, depth + 1), value]);
  }
  return pairs;
}
