import type { Bytes } from "../../../protocol/resp/reply.js";
import { addressesOf, LONG_JUMP, type LuaExports, loadLua } from "./wasm.js";

/** Pseudo-indices of Lua 5.1. */
export const REGISTRY = -10_000;
export const GLOBALS = -10_002;

/** What `lua_type` answers. */
export const TYPE = {
  none: -1,
  nil: 0,
  boolean: 1,
  lightUserdata: 2,
  number: 3,
  string: 4,
  table: 5,
  function: 6,
  userdata: 7,
  thread: 8,
} as const;

const TYPE_NAMES = ["nil", "boolean", "userdata", "number", "string", "table", "function", "userdata", "thread"];

/** A function that Lua can call: takes its arguments from the stack of `L`, leaves results there and says how many. */
export type NativeFunction = (L: number) => number;

/** Thrown by a native function: a Lua error whose text gets the place of the call in front, as `luaL_error` puts it. */
export class LuaError extends Error {
  constructor(readonly text: Bytes) {
    super(text);
    this.name = "LuaError";
  }
}

/** Texts up to this go over the C stack, longer ones over its heap. */
const STACK_BYTES = 65_536;

/**
 * Lua in this process: the WebAssembly instance that all servers share, with strings and functions carried across.
 * A `lua_State` is a number; whoever opens one closes it.
 */
export class LuaMachine {
  readonly c: LuaExports = loadLua();
  /** Asked every so many instructions of whatever runs; set around each run. */
  hook: ((L: number) => void) | null = null;
  readonly hookAddress: number;
  readonly #callAddress: number;
  readonly #lengthCell: number;
  #view = Buffer.alloc(0);
  readonly #functions: (NativeFunction | null)[] = [];
  readonly #freeIds: number[] = [];

  constructor() {
    const { call, hook } = addressesOf(this.c, {
      call: (L) => this.#call(L),
      hook: (L) => this.hook?.(L),
    });
    this.#callAddress = call;
    this.hookAddress = hook;
    this.#lengthCell = this.c.malloc(4);
  }

  /** Lua's memory; not to be kept: growing replaces it. */
  get memory(): Buffer {
    const { buffer } = this.c.memory;
    if (this.#view.buffer !== buffer) this.#view = Buffer.from(buffer);
    return this.#view;
  }

  /** Makes a function known; `release` forgets it. */
  register(fn: NativeFunction): number {
    const id = this.#freeIds.pop() ?? this.#functions.length;
    this.#functions[id] = fn;
    return id;
  }

  release(id: number): void {
    this.#functions[id] = null;
    this.#freeIds.push(id);
  }

  pushFunction(L: number, id: number): void {
    this.c.lua_pushnumber(L, id);
    this.c.lua_pushcclosure(L, this.#callAddress, 1);
  }

  pushString(L: number, text: Bytes): void {
    this.withText(text, (pointer, length) => this.c.lua_pushlstring(L, pointer, length));
  }

  /** Lends `text` to C, with a zero behind it. */
  withText<T>(text: Bytes, use: (pointer: number, length: number) => T): T {
    const { c } = this;
    const { length } = text;
    const onStack = length < STACK_BYTES;
    const saved = c.stackSave();
    const pointer = onStack ? c.stackAlloc(length + 1) : c.malloc(length + 1);
    if (pointer === 0) throw new LuaError("not enough memory");
    try {
      const { memory } = this;
      memory.latin1Write(text, pointer, length);
      memory[pointer + length] = 0;
      return use(pointer, length);
    } finally {
      if (onStack) c.stackRestore(saved);
      else c.free(pointer);
    }
  }

  /** The string at `index`, or null if there is neither a string nor a number. A number there becomes a string. */
  text(L: number, index: number): Bytes | null {
    const pointer = this.c.lua_tolstring(L, index, this.#lengthCell);
    if (pointer === 0) return null;
    const { memory } = this;
    return memory.latin1Slice(pointer, pointer + memory.readUInt32LE(this.#lengthCell));
  }

  /** The C string at `pointer`. */
  textAt(pointer: number): Bytes {
    const { memory } = this;
    return memory.latin1Slice(pointer, memory.indexOf(0, pointer));
  }

  /** Assigns the value on top of the stack to a field of the table at `index`, without metamethods. */
  rawSetField(L: number, index: number, name: Bytes): void {
    const { c } = this;
    this.pushString(L, name);
    c.lua_insert(L, -2);
    c.lua_rawset(L, index < 0 && index > REGISTRY ? index - 1 : index);
  }

  /** Pushes a field of the table at `index`, without metamethods, and tells its type. */
  rawGetField(L: number, index: number, name: Bytes): number {
    this.pushString(L, name);
    this.c.lua_rawget(L, index < 0 && index > REGISTRY ? index - 1 : index);
    return this.c.lua_type(L, -1);
  }

  typeName(L: number, index: number): string {
    const type = this.c.lua_type(L, index);
    return type === TYPE.none ? "no value" : (TYPE_NAMES[type] as string);
  }

  /** `bad argument #n to 'f' (why)`, raised in the running function. */
  argumentError(L: number, argument: number, why: string): never {
    this.withText(why, (pointer) => this.c.luaL_argerror(L, argument, pointer));
    throw LONG_JUMP;
  }

  typeError(L: number, argument: number, wanted: string): never {
    return this.argumentError(L, argument, `${wanted} expected, got ${this.typeName(L, argument)}`);
  }

  checkNumber(L: number, argument: number): number {
    const value = this.c.lua_tonumber(L, argument);
    if (value === 0 && this.c.lua_isnumber(L, argument) === 0) this.typeError(L, argument, "number");
    return value;
  }

  /** A number cut down to a 32-bit integer. */
  checkInteger(L: number, argument: number): number {
    return this.checkNumber(L, argument) | 0;
  }

  checkText(L: number, argument: number): Bytes {
    return this.text(L, argument) ?? this.typeError(L, argument, "string");
  }

  checkType(L: number, argument: number, type: number): void {
    if (this.c.lua_type(L, argument) !== type) this.typeError(L, argument, TYPE_NAMES[type] as string);
  }

  checkStack(L: number, slots: number, message = "stack overflow"): void {
    if (this.c.lua_checkstack(L, slots) === 0) throw new LuaError(message);
  }

  /** Raises the value on top of the stack. */
  raise(L: number): never {
    this.c.lua_error(L);
    throw LONG_JUMP;
  }

  /** Raises an error with the place of the call in front of its text. */
  raiseText(L: number, text: Bytes): never {
    this.c.luaL_where(L, 1);
    const where = this.text(L, -1) ?? "";
    this.pushString(L, where + text);
    return this.raise(L);
  }

  #call(L: number): number {
    const id = this.c.lua_tonumber(L, GLOBALS - 1);
    try {
      return (this.#functions[id] as NativeFunction)(L);
    } catch (error) {
      // Already on its way to Lua's nearest handler; or the stack of this process is used up, which no handler of Lua's
      // must swallow: whoever called Lua gets it.
      if (error === LONG_JUMP || !(error instanceof Error) || error instanceof RangeError) throw error;
      return this.raiseText(L, error.message);
    }
  }
}

let shared: LuaMachine | null = null;

/**
 * The one machine of this process, made by the first script that needs it (about 10 ms): servers that run no script never
 * load Lua. It holds no timer and no handle; its memory stays with the process.
 */
export function luaMachine(): LuaMachine {
  shared ??= new LuaMachine();
  return shared;
}
