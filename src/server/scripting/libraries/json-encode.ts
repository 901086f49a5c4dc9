import { LuaError, type LuaMachine, TYPE } from "../lua/machine.js";
import { numberText } from "../lua/number-text.js";
import type { JsonSettings } from "./cjson.js";

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "/": "\\/",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r",
};
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to be escaped
const SPECIAL = /["\\/\x00-\x1f\x7f]/g;

/** The value on top of the stack as JSON; the stack is left as it was. @throws LuaError for what JSON can't say */
export function encodeJson(m: LuaMachine, L: number, settings: JsonSettings): string {
  return encode(m, L, settings, 0);
}

function encode(m: LuaMachine, L: number, settings: JsonSettings, depth: number): string {
  const { c } = m;
  const type = c.lua_type(L, -1);
  switch (type) {
    case TYPE.string:
      return quote(m.text(L, -1) as string);
    case TYPE.number:
      return numberJson(c.lua_tonumber(L, -1), settings);
    case TYPE.boolean:
      return c.lua_toboolean(L, -1) !== 0 ? "true" : "false";
    case TYPE.nil:
      return "null";
    case TYPE.table:
      return encodeTable(m, L, settings, depth + 1);
    default:
      if (type === TYPE.lightUserdata && c.lua_touserdata(L, -1) === 0) return "null";
      throw new LuaError(`Cannot serialise ${m.typeName(L, -1)}: type not supported`);
  }
}

function quote(text: string): string {
  const escaped = text.replace(
    SPECIAL,
    (char) => SHORT[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `"${escaped}"`;
}

function numberJson(value: number, { precision, encodeInvalid }: JsonSettings): string {
  if (Number.isFinite(value)) return numberText(value, precision);
  if (encodeInvalid === "null") return "null";
  if (encodeInvalid === "off") throw new LuaError("Cannot serialise number: must not be NaN or Inf");
  return numberText(value, precision);
}

function encodeTable(m: LuaMachine, L: number, settings: JsonSettings, depth: number): string {
  const { c } = m;
  if (depth > settings.encodeMaxDepth || c.lua_checkstack(L, 4) === 0) {
    throw new LuaError(`Cannot serialise, excessive nesting (${depth})`);
  }
  const length = arrayLength(m, L, settings);
  const parts: string[] = [];
  if (length > 0) {
    for (let i = 1; i <= length; i++) {
      c.lua_rawgeti(L, -1, i);
      parts.push(encode(m, L, settings, depth));
      c.lua_settop(L, -2);
    }
    return `[${parts.join(",")}]`;
  }
  c.lua_pushnil(L);
  while (c.lua_next(L, -2) !== 0) {
    const key = c.lua_type(L, -2);
    let name: string;
    if (key === TYPE.number) name = `"${numberJson(c.lua_tonumber(L, -2), settings)}"`;
    else if (key === TYPE.string) name = quote(m.text(L, -2) as string);
    else throw new LuaError(`Cannot serialise ${m.typeName(L, -2)}: table key must be a number or string`);
    parts.push(`${name}:${encode(m, L, settings, depth)}`);
    c.lua_settop(L, -2);
  }
  return `{${parts.join(",")}}`;
}

/** The largest index of a table whose keys are all positive integers; -1 if it is to become an object. */
function arrayLength(m: LuaMachine, L: number, { sparseConvert, sparseRatio, sparseSafe }: JsonSettings): number {
  const { c } = m;
  let max = 0;
  let items = 0;
  c.lua_pushnil(L);
  while (c.lua_next(L, -2) !== 0) {
    const key = c.lua_type(L, -2) === TYPE.number ? c.lua_tonumber(L, -2) : 0;
    if (!(key >= 1 && Number.isInteger(key))) {
      c.lua_settop(L, -3);
      return -1;
    }
    max = Math.max(max, key);
    items++;
    c.lua_settop(L, -2);
  }
  if (sparseRatio > 0 && max > items * sparseRatio && max > sparseSafe) {
    if (!sparseConvert) throw new LuaError("Cannot serialise table: excessively sparse array");
    return -1;
  }
  return max;
}
