import type { LibraryTable } from "../lua/environment.js";
import { GLOBALS, type LuaMachine, type NativeFunction, TYPE } from "../lua/machine.js";
import { JsonDecoder } from "./json-decode.js";
import { encodeJson } from "./json-encode.js";

/** What a script can set with cjson's functions of these names.  */
export interface JsonSettings {
  sparseConvert: boolean;
  sparseRatio: number;
  sparseSafe: number;
  encodeMaxDepth: number;
  decodeMaxDepth: number;
  /** Significant digits of a number. */
  precision: number;
  keepBuffer: boolean;
  encodeInvalid: "off" | "on" | "null";
  decodeInvalid: boolean;
}

const MAX_INT = 2 ** 31 - 1;

function defaults(): JsonSettings {
  return {
    sparseConvert: false,
    sparseRatio: 2,
    sparseSafe: 10,
    encodeMaxDepth: 1000,
    decodeMaxDepth: 1000,
    precision: 14,
    keepBuffer: true,
    encodeInvalid: "off",
    decodeInvalid: true,
  };
}

/** The library `cjson`. */
export function cjsonTable(m: LuaMachine): LibraryTable {
  const functions = functionsFor(m, defaults());
  const values = { null: null, _NAME: "cjson", _VERSION: "2.1.0" };
  const names = [...Object.keys(functions), "new", ...Object.keys(values)];
  return { functions: { ...functions, new: (L) => pushNew(m, L, names) }, values };
}

/**
 * `cjson.new()`: a table of a script's own with the same functions. Settings are those of the whole: a copy for each call
 * could never be freed, since nobody tells which functions Lua has dropped.
 */
function pushNew(m: LuaMachine, L: number, names: readonly string[]): number {
  const { c } = m;
  m.pushString(L, "cjson");
  c.lua_gettable(L, GLOBALS);
  c.lua_createtable(L, 0, names.length);
  for (const name of names) {
    m.pushString(L, name);
    c.lua_gettable(L, -3);
    m.rawSetField(L, -2, name);
  }
  return 1;
}

function functionsFor(m: LuaMachine, settings: JsonSettings): Record<string, NativeFunction> {
  const { c } = m;
  const given = (L: number, most: number): void => {
    if (c.lua_gettop(L) > most) m.argumentError(L, most + 1, "found too many arguments");
    c.lua_settop(L, most);
  };
  const one = (L: number): void => {
    if (c.lua_gettop(L) !== 1) m.argumentError(L, 1, "expected 1 argument");
  };
  const integer = (L: number, at: number, min: number, max: number, now: number, set: (n: number) => void): void => {
    let value = now;
    if (c.lua_type(L, at) !== TYPE.nil) {
      value = m.checkInteger(L, at);
      if (value < min || value > max) m.argumentError(L, 1, `expected integer between ${min} and ${max}`);
      set(value);
    }
    c.lua_pushnumber(L, value);
  };
  const choice = <T extends string>(L: number, at: number, options: readonly T[], now: T): T => {
    let value = now;
    const type = c.lua_type(L, at);
    if (type === TYPE.boolean) value = (c.lua_toboolean(L, at) !== 0 ? "on" : "off") as T;
    else if (type !== TYPE.nil) {
      const text = m.checkText(L, at) as T;
      if (!options.includes(text)) m.argumentError(L, at, `invalid option '${text}'`);
      value = text;
    }
    if (value === "on" || value === "off") c.lua_pushboolean(L, value === "on" ? 1 : 0);
    else m.pushString(L, value);
    return value;
  };
  const onOff = (L: number, at: number, now: boolean): boolean =>
    choice<"on" | "off">(L, at, ["off", "on"], now ? "on" : "off") === "on";

  return {
    encode(L) {
      one(L);
      m.pushString(L, encodeJson(m, L, settings));
      return 1;
    },
    decode(L) {
      one(L);
      new JsonDecoder(m, L, m.checkText(L, 1), settings).run();
      return 1;
    },
    encode_sparse_array(L) {
      given(L, 3);
      settings.sparseConvert = onOff(L, 1, settings.sparseConvert);
      integer(L, 2, 0, MAX_INT, settings.sparseRatio, (n) => {
        settings.sparseRatio = n;
      });
      integer(L, 3, 0, MAX_INT, settings.sparseSafe, (n) => {
        settings.sparseSafe = n;
      });
      return 3;
    },
    encode_max_depth(L) {
      given(L, 1);
      integer(L, 1, 1, MAX_INT, settings.encodeMaxDepth, (n) => {
        settings.encodeMaxDepth = n;
      });
      return 1;
    },
    decode_max_depth(L) {
      given(L, 1);
      integer(L, 1, 1, MAX_INT, settings.decodeMaxDepth, (n) => {
        settings.decodeMaxDepth = n;
      });
      return 1;
    },
    encode_number_precision(L) {
      given(L, 1);
      integer(L, 1, 1, 14, settings.precision, (n) => {
        settings.precision = n;
      });
      return 1;
    },
    encode_keep_buffer(L) {
      given(L, 1);
      settings.keepBuffer = onOff(L, 1, settings.keepBuffer);
      return 1;
    },
    encode_invalid_numbers(L) {
      given(L, 1);
      settings.encodeInvalid = choice(L, 1, ["off", "on", "null"], settings.encodeInvalid);
      return 1;
    },
    decode_invalid_numbers(L) {
      given(L, 1);
      settings.decodeInvalid = onOff(L, 1, settings.decodeInvalid);
      return 1;
    },
  };
}
