import { doubleText } from "../../protocol/resp/double-text.js";
import type { Reply } from "../../protocol/resp/reply.js";
import {
  AttributedReply,
  BigNumberReply,
  BooleanReply,
  DoubleReply,
  ErrorReply,
  MapReply,
  NullArray,
  SetReply,
  SimpleString,
  VerbatimReply,
} from "../../protocol/resp/reply.js";
import type { LuaMachine } from "./lua/machine.js";

/** Pushes a command's reply as a script sees it that has chosen RESP version `resp` (`redis.setresp`). */
export function pushReply(m: LuaMachine, L: number, reply: Reply, resp: 2 | 3): void {
  const { c } = m;
  if (typeof reply === "string") m.pushString(L, reply);
  else if (typeof reply === "number" || typeof reply === "bigint") c.lua_pushnumber(L, Number(reply));
  else if (reply === null) pushNull(m, L, resp);
  else if (reply instanceof SimpleString) pushField(m, L, "ok", () => m.pushString(L, reply.text));
  else if (reply instanceof ErrorReply) pushErrorReply(m, L, reply);
  else if (Array.isArray(reply)) pushArray(m, L, reply as readonly Reply[], resp);
  else pushTyped(m, L, reply as object, resp);
}

function pushTyped(m: LuaMachine, L: number, reply: object, resp: 2 | 3): void {
  const { c } = m;
  if (reply instanceof NullArray) pushNull(m, L, resp);
  else if (reply instanceof BooleanReply) {
    if (resp === 3) c.lua_pushboolean(L, reply.value ? 1 : 0);
    else c.lua_pushnumber(L, reply.value ? 1 : 0);
  } else if (reply instanceof DoubleReply) {
    if (resp === 3) pushField(m, L, "double", () => c.lua_pushnumber(L, reply.value));
    else m.pushString(L, doubleText(reply.value));
  } else if (reply instanceof BigNumberReply) {
    if (resp === 3) pushField(m, L, "big_number", () => m.pushString(L, reply.digits));
    else m.pushString(L, reply.digits);
  } else if (reply instanceof VerbatimReply) {
    if (resp === 3) pushVerbatim(m, L, reply);
    else m.pushString(L, reply.text);
  } else if (reply instanceof MapReply) {
    if (resp === 3) pushMap(m, L, reply);
    else pushArray(m, L, reply.pairs.flat() as Reply[], resp);
  } else if (reply instanceof SetReply) {
    if (resp === 3) pushSet(m, L, reply);
    else pushArray(m, L, reply.members, resp);
  } else if (reply instanceof AttributedReply) pushReply(m, L, reply.reply, resp);
  else c.lua_pushnil(L);
}

/** RESP2 has no null of its own that Lua's nil could stand for: nil would end an array, false doesn't. */
function pushNull(m: LuaMachine, L: number, resp: 2 | 3): void {
  if (resp === 2) m.c.lua_pushboolean(L, 0);
  else m.c.lua_pushnil(L);
}

function pushField(m: LuaMachine, L: number, name: string, push: () => void): void {
  m.checkStack(L, 4);
  m.c.lua_createtable(L, 0, 1);
  push();
  m.rawSetField(L, -2, name);
}

/** `{ err = …, ignore_error_stats_update = true }`: the command has counted the error already. */
export function pushErrorReply(m: LuaMachine, L: number, reply: ErrorReply): void {
  pushField(m, L, "err", () => m.pushString(L, reply.text));
  m.c.lua_pushboolean(L, 1);
  m.rawSetField(L, -2, "ignore_error_stats_update");
}

function pushArray(m: LuaMachine, L: number, items: readonly Reply[], resp: 2 | 3): void {
  const { c } = m;
  m.checkStack(L, 4);
  c.lua_createtable(L, items.length, 0);
  for (let i = 0; i < items.length; i++) {
    pushReply(m, L, items[i] as Reply, resp);
    c.lua_rawseti(L, -2, i + 1);
  }
}

function pushVerbatim(m: LuaMachine, L: number, reply: VerbatimReply): void {
  pushField(m, L, "verbatim_string", () => {
    pushField(m, L, "format", () => m.pushString(L, reply.format));
    m.pushString(L, reply.text);
    m.rawSetField(L, -2, "string");
  });
}

function pushMap(m: LuaMachine, L: number, reply: MapReply): void {
  pushField(m, L, "map", () => {
    m.c.lua_createtable(L, 0, reply.pairs.length);
    for (const [key, value] of reply.pairs) {
      pushReply(m, L, key, 3);
      pushReply(m, L, value, 3);
      m.c.lua_rawset(L, -3);
    }
  });
}

function pushSet(m: LuaMachine, L: number, reply: SetReply): void {
  pushField(m, L, "set", () => {
    m.c.lua_createtable(L, 0, reply.members.length);
    for (const member of reply.members) {
      pushReply(m, L, member, 3);
      m.c.lua_pushboolean(L, 1);
      m.c.lua_rawset(L, -3);
    }
  });
}
