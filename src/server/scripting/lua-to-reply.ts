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

const STACK_LIMIT = new ErrorReply("ERR reached lua stack limit");
/** Slots that must be free: the four that reading a value takes at most, and one where Redis has the script's error handler. */
const SLOTS = 5;

/**
 * The value on top of the stack as a reply to a client, taken off the stack. `resp` is what the script has chosen.
 * Tables in tables are read without recursion: it is Lua's stack that sets the limit, not this process's.
 */
export function popReply(m: LuaMachine, L: number, resp: 2 | 3): Reply {
  const open: OpenTable[] = [];
  for (;;) {
    let reply = popValue(m, L, resp, open);
    for (;;) {
      const table = open.at(-1);
      if (table === undefined) return reply ?? null;
      if (reply !== undefined) table.take(reply);
      if (table.next()) break;
      open.pop();
      reply = table.end();
    }
  }
}

/** The value on top of the stack, taken off it; undefined if it is a table whose contents come first: it is on `open` then. */
function popValue(m: LuaMachine, L: number, resp: 2 | 3, open: OpenTable[]): Reply | undefined {
  const { c } = m;
  const enough = c.lua_checkstack(L, SLOTS) !== 0;
  if (enough && c.lua_type(L, -1) === TYPE.table) {
    const special = readSpecial(m, L);
    if (special === undefined || special instanceof OpenPairs) {
      open.push(special ?? new OpenArray(m, L));
      return undefined;
    }
    c.lua_settop(L, -2);
    return special;
  }
  const reply = enough ? readScalar(m, L, resp) : STACK_LIMIT;
  c.lua_settop(L, -2);
  return reply;
}

/** A table that is being read. Its values come to the top of the stack one by one, and are gone from there when they are taken. */
interface OpenTable {
  /** Puts the next value on top of the stack; false if there is none, and the table is off the stack. */
  next(): boolean;
  take(reply: Reply): void;
  end(): Reply;
}

class OpenArray implements OpenTable {
  readonly #items: Reply[] = [];

  constructor(
    private readonly m: LuaMachine,
    private readonly L: number,
  ) {}

  next(): boolean {
    const { c } = this.m;
    c.lua_rawgeti(this.L, -1, this.#items.length + 1);
    if (c.lua_type(this.L, -1) !== TYPE.nil) return true;
    c.lua_settop(this.L, -3);
    return false;
  }

  take(reply: Reply): void {
    this.#items.push(reply);
  }

  end(): Reply {
    return this.#items;
  }
}

/** The pairs of the table on top of the stack, which is a field of the one below; of a set the keys alone. */
class OpenPairs implements OpenTable {
  readonly #items: Reply[] = [];

  constructor(
    private readonly m: LuaMachine,
    private readonly L: number,
    private readonly isSet: boolean,
  ) {
    m.c.lua_pushnil(L);
  }

  next(): boolean {
    const { c } = this.m;
    // The value is where the copy of its key was.
    if (!this.isSet && this.#items.length % 2 === 1) return true;
    if (c.lua_next(this.L, -2) === 0) {
      c.lua_settop(this.L, -3);
      return false;
    }
    if (this.isSet) c.lua_settop(this.L, -2);
    // A copy: reading a number as text would change the key in place and lose the way through the table.
    c.lua_pushvalue(this.L, this.isSet ? -1 : -2);
    return true;
  }

  take(reply: Reply): void {
    this.#items.push(reply);
  }

  end(): Reply {
    if (this.isSet) return new SetReply(this.#items);
    const pairs: [Reply, Reply][] = [];
    for (let i = 0; i < this.#items.length; i += 2) {
      pairs.push([this.#items[i] as Reply, this.#items[i + 1] as Reply]);
    }
    return new MapReply(pairs);
  }
}

function readScalar(m: LuaMachine, L: number, resp: 2 | 3): Reply {
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

/**
 * A table with one of the fields that stand for a kind of reply; undefined if it is a plain array. For a map or a set what
 * is in it is still to be read, and the field is on top of the stack.
 */
function readSpecial(m: LuaMachine, L: number): Reply | OpenPairs | undefined {
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
  for (const kind of ["map", "set"] as const) {
    if (m.rawGetField(L, -1, kind) === TYPE.table) return new OpenPairs(m, L, kind === "set");
    c.lua_settop(L, -2);
  }
  return undefined;
}
