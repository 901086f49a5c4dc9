import { LuaError, type LuaMachine } from "../lua/machine.js";
import type { JsonSettings } from "./cjson.js";

type Kind =
  | "T_OBJ_BEGIN"
  | "T_OBJ_END"
  | "T_ARR_BEGIN"
  | "T_ARR_END"
  | "T_STRING"
  | "T_NUMBER"
  | "T_BOOLEAN"
  | "T_NULL"
  | "T_COLON"
  | "T_COMMA"
  | "T_END"
  | "T_ERROR";

const SINGLE: Readonly<Record<string, Kind>> = {
  "{": "T_OBJ_BEGIN",
  "}": "T_OBJ_END",
  "[": "T_ARR_BEGIN",
  "]": "T_ARR_END",
  ":": "T_COLON",
  ",": "T_COMMA",
};
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  t: "\t",
  n: "\n",
  f: "\f",
  r: "\r",
};
/** What C's strtod takes for a number, the forms beyond JSON included. */
const NUMBER = /[+-]?(?:0x[\da-f]+(?:\.[\da-f]*)?|inf(?:inity)?|nan|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)/iy;
const STRICT = /-?(?:0(?![x\d])|[1-9.])/iy;

/** Reads JSON and pushes what it says. Strings are bytes; `\u` escapes become UTF-8. */
export class JsonDecoder {
  #at = 0;
  #depth = 0;
  /** Of the token read last. */
  #kind: Kind = "T_END";
  #index = 0;
  #text = "";
  #number = 0;

  constructor(
    private readonly m: LuaMachine,
    private readonly L: number,
    private readonly json: string,
    private readonly settings: JsonSettings,
  ) {}

  /** Pushes the value. @throws LuaError in cjson's words, with the place */
  run(): void {
    const { json } = this;
    if (json.length >= 2 && (json[0] === "\0" || json[1] === "\0")) {
      throw new LuaError("JSON parser does not support UTF-16 or UTF-32");
    }
    this.#next();
    this.#value();
    if (this.#next() !== "T_END") this.#fail("the end");
  }

  #value(): void {
    const { m, L } = this;
    const { c } = m;
    switch (this.#kind) {
      case "T_STRING":
        return m.pushString(L, this.#text);
      case "T_NUMBER":
        return c.lua_pushnumber(L, this.#number);
      case "T_BOOLEAN":
        return c.lua_pushboolean(L, this.#number);
      case "T_NULL":
        return c.lua_pushlightuserdata(L, 0);
      case "T_OBJ_BEGIN":
        return this.#object();
      case "T_ARR_BEGIN":
        return this.#array();
      default:
        return this.#fail("value");
    }
  }

  #object(): void {
    const { m, L } = this;
    this.#descend();
    m.c.lua_createtable(L, 0, 0);
    if (this.#next() === "T_OBJ_END") {
      this.#depth--;
      return;
    }
    for (;;) {
      if (this.#kind !== "T_STRING") this.#fail("object key string");
      m.pushString(L, this.#text);
      if (this.#next() !== "T_COLON") this.#fail("colon");
      this.#next();
      this.#value();
      m.c.lua_rawset(L, -3);
      const after = this.#next();
      if (after === "T_OBJ_END") break;
      if (after !== "T_COMMA") this.#fail("comma or object end");
      this.#next();
    }
    this.#depth--;
  }

  #array(): void {
    const { m, L } = this;
    this.#descend();
    m.c.lua_createtable(L, 0, 0);
    if (this.#next() === "T_ARR_END") {
      this.#depth--;
      return;
    }
    for (let i = 1; ; i++) {
      this.#value();
      m.c.lua_rawseti(L, -2, i);
      const after = this.#next();
      if (after === "T_ARR_END") break;
      if (after !== "T_COMMA") this.#fail("comma or array end");
      this.#next();
    }
    this.#depth--;
  }

  #descend(): void {
    this.#depth++;
    if (this.#depth <= this.settings.decodeMaxDepth && this.m.c.lua_checkstack(this.L, 4) !== 0) return;
    throw new LuaError(`Found too many nested data structures (${this.#depth}) at character ${this.#at}`);
  }

  /** Reads the next token and tells its kind. */
  #next(): Kind {
    const { json } = this;
    while (" \t\n\r".includes(json[this.#at] ?? "x")) this.#at++;
    this.#index = this.#at;
    const char = json[this.#at] ?? "\0";
    const single = SINGLE[char];
    if (char === "\0") this.#kind = "T_END";
    else if (single !== undefined) {
      this.#kind = single;
      this.#at++;
    } else if (char === '"') this.#string();
    else if (/[\d+\-iInNtf]/.test(char)) this.#word();
    else this.#error("invalid token");
    return this.#kind;
  }

  #word(): void {
    const { json, settings } = this;
    const char = json[this.#at] as string;
    if (/[\d+-]/.test(char)) {
      STRICT.lastIndex = this.#at;
      if (!settings.decodeInvalid && !STRICT.test(json)) this.#error("invalid number");
      else this.#readNumber();
    } else if (json.startsWith("true", this.#at)) this.#literal("T_BOOLEAN", 1, 4);
    else if (json.startsWith("false", this.#at)) this.#literal("T_BOOLEAN", 0, 5);
    else if (json.startsWith("null", this.#at)) this.#literal("T_NULL", 0, 4);
    else if (settings.decodeInvalid && /inf|nan/i.test(json.slice(this.#at, this.#at + 3))) this.#readNumber();
    else this.#error("invalid token");
  }

  #literal(kind: Kind, value: number, length: number): void {
    this.#kind = kind;
    this.#number = value;
    this.#at += length;
  }

  #readNumber(): void {
    NUMBER.lastIndex = this.#at;
    const text = NUMBER.exec(this.json)?.[0];
    if (text === undefined) {
      this.#error("invalid number");
      return;
    }
    this.#kind = "T_NUMBER";
    this.#number = numberOf(text.toLowerCase());
    this.#at += text.length;
  }

  #string(): void {
    const { json } = this;
    let out = "";
    let at = this.#at + 1;
    for (;;) {
      const from = at;
      while (at < json.length && json[at] !== '"' && json[at] !== "\\" && json[at] !== "\0") at++;
      out += json.slice(from, at);
      this.#at = at;
      const char = json[at];
      if (char === '"') break;
      if (char !== "\\") return this.#error("unexpected end of string");
      const code = json[at + 1] ?? "";
      if (code === "u") {
        const read = unicodeEscape(json, at);
        if (read === null) return this.#error("invalid unicode escape code");
        out += read.text;
        at = read.end;
      } else {
        const plain = ESCAPES[code];
        if (plain === undefined) return this.#error("invalid escape code");
        out += plain;
        at += 2;
      }
    }
    this.#at++;
    this.#kind = "T_STRING";
    this.#text = out;
  }

  #error(what: string): void {
    this.#kind = "T_ERROR";
    this.#text = what;
    this.#index = this.#at;
  }

  #fail(expected: string): never {
    const found = this.#kind === "T_ERROR" ? this.#text : this.#kind;
    throw new LuaError(`Expected ${expected} but found ${found} at character ${this.#index + 1}`);
  }
}

/** The number that strtod makes of it; `text` in lower case. */
function numberOf(text: string): number {
  const sign = text.startsWith("-") ? -1 : 1;
  const digits = text.replace(/^[+-]/, "");
  if (digits.startsWith("inf")) return sign * Number.POSITIVE_INFINITY;
  if (digits.startsWith("nan")) return Number.NaN;
  if (!digits.startsWith("0x")) return Number(text);
  const [whole = "0", fraction = ""] = digits.slice(2).split(".");
  return sign * (Number.parseInt(whole + fraction, 16) / 16 ** fraction.length);
}

/** One `\uXXXX`, or two that make a pair, at `at`, as UTF-8 bytes; null if it is none. */
function unicodeEscape(json: string, at: number): { readonly text: string; readonly end: number } | null {
  const unit = hex4(json, at + 2);
  if (unit === null) return null;
  let point = unit;
  let end = at + 6;
  if (unit >= 0xd800 && unit <= 0xdfff) {
    if (unit >= 0xdc00 || json.slice(end, end + 2) !== "\\u") return null;
    const low = hex4(json, end + 2);
    if (low === null || low < 0xdc00 || low > 0xdfff) return null;
    point = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    end += 6;
  }
  return { text: Buffer.from(String.fromCodePoint(point), "utf8").latin1Slice(), end };
}

function hex4(json: string, at: number): number | null {
  const digits = json.slice(at, at + 4);
  return /^[\da-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : null;
}
