import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type WasmImports, type WasmMemory, type WasmTable, webAssembly } from "./webassembly.js";

/** The C API of Lua 5.1, as the WebAssembly module of `wasmoon-lua5.1` exports it. Pointers are numbers. */
export interface LuaExports {
  readonly memory: WasmMemory;
  readonly __indirect_function_table: WasmTable;
  malloc(bytes: number): number;
  free(pointer: number): void;
  stackSave(): number;
  stackRestore(pointer: number): void;
  stackAlloc(bytes: number): number;
  setThrew(threw: number, value: number): void;
  luaL_newstate(): number;
  lua_close(L: number): void;
  lua_newthread(L: number): number;
  lua_resume(L: number, args: number): number;
  lua_yield(L: number, results: number): number;
  lua_status(L: number): number;
  lua_xmove(from: number, to: number, count: number): void;
  lua_gettop(L: number): number;
  lua_settop(L: number, index: number): void;
  lua_remove(L: number, index: number): void;
  lua_insert(L: number, index: number): void;
  lua_replace(L: number, index: number): void;
  lua_pushvalue(L: number, index: number): void;
  lua_checkstack(L: number, slots: number): number;
  lua_type(L: number, index: number): number;
  lua_isnumber(L: number, index: number): number;
  lua_isstring(L: number, index: number): number;
  lua_tonumber(L: number, index: number): number;
  lua_tointeger(L: number, index: number): number;
  lua_toboolean(L: number, index: number): number;
  lua_tolstring(L: number, index: number, length: number): number;
  lua_objlen(L: number, index: number): number;
  lua_topointer(L: number, index: number): number;
  lua_touserdata(L: number, index: number): number;
  lua_iscfunction(L: number, index: number): number;
  lua_pushnil(L: number): void;
  lua_pushnumber(L: number, value: number): void;
  lua_pushboolean(L: number, value: number): void;
  lua_pushlightuserdata(L: number, pointer: number): void;
  lua_pushlstring(L: number, text: number, length: number): void;
  lua_pushcclosure(L: number, fn: number, upvalues: number): void;
  lua_gettable(L: number, index: number): void;
  lua_settable(L: number, index: number): void;
  lua_rawget(L: number, index: number): void;
  lua_rawset(L: number, index: number): void;
  lua_rawgeti(L: number, index: number, n: number): void;
  lua_rawseti(L: number, index: number, n: number): void;
  lua_createtable(L: number, array: number, hash: number): void;
  lua_getmetatable(L: number, index: number): number;
  lua_setmetatable(L: number, index: number): number;
  lua_setfenv(L: number, index: number): number;
  lua_next(L: number, index: number): number;
  lua_pcall(L: number, args: number, results: number, handler: number): number;
  lua_error(L: number): number;
  lua_gc(L: number, what: number, data: number): number;
  lua_sethook(L: number, hook: number, mask: number, count: number): number;
  lua_getstack(L: number, level: number, ar: number): number;
  lua_getinfo(L: number, what: number, ar: number): number;
  luaL_loadbuffer(L: number, text: number, length: number, name: number): number;
  luaL_where(L: number, level: number): void;
  luaL_argerror(L: number, arg: number, message: number): number;
  luaL_ref(L: number, table: number): number;
  luaL_unref(L: number, table: number, ref: number): void;
  luaopen_base(L: number): number;
  luaopen_table(L: number): number;
  luaopen_string(L: number): number;
  luaopen_math(L: number): number;
  luaopen_debug(L: number): number;
}

/** What C's longjmp is here: thrown through the frames of WebAssembly to the setjmp that waits for it. */
export const LONG_JUMP = new Error("longjmp");

/** Scripts of all servers in this process together get no more memory than this; then Lua says "not enough memory". */
const MEMORY_LIMIT_BYTES = 256 * 1024 * 1024;
const PAGE_BYTES = 65_536;
/** ENOSYS, as the C library expects it of a system call that is not there. */
const ENOSYS = -52;

/**
 * Loads Lua anew. The module gets no file, no process, no clock: of what it could ask a system for, it is given memory
 * and setjmp; every other import answers ENOSYS.
 */
export function loadLua(): LuaExports {
  const path = createRequire(import.meta.url).resolve("wasmoon-lua5.1/dist/liblua5.1.wasm");
  const module = new webAssembly.Module(readFileSync(path));
  const given: Record<string, (...args: number[]) => number | undefined> = {
    invoke_vii(fn = 0, a = 0, b = 0) {
      const stack = lua.stackSave();
      try {
        lua.__indirect_function_table.get(fn)(a, b);
      } catch (error) {
        if (error !== LONG_JUMP) throw error;
        lua.stackRestore(stack);
        lua.setThrew(1, 0);
      }
      return undefined;
    },
    _emscripten_throw_longjmp() {
      throw LONG_JUMP;
    },
    emscripten_memcpy_js(to = 0, from = 0, bytes = 0) {
      new Uint8Array(lua.memory.buffer).copyWithin(to >>> 0, from >>> 0, (from >>> 0) + (bytes >>> 0));
      return undefined;
    },
    emscripten_resize_heap: (wanted = 0) => (grow(lua.memory, wanted >>> 0) ? 1 : 0),
    exit() {
      throw new Error("Lua gave up");
    },
    environ_sizes_get(count = 0, bytes = 0) {
      const view = new DataView(lua.memory.buffer);
      view.setUint32(count, 0, true);
      view.setUint32(bytes, 0, true);
      return 0;
    },
  };
  const imports: WasmImports = {};
  for (const { module: group, name } of webAssembly.Module.imports(module)) {
    imports[group] ??= {};
    imports[group][name] = given[name] ?? (() => ENOSYS);
  }
  const lua = new webAssembly.Instance(module, imports).exports as LuaExports & {
    __wasm_call_ctors(): void;
    emscripten_stack_init(): void;
  };
  lua.emscripten_stack_init();
  lua.__wasm_call_ctors();
  return lua;
}

function grow(memory: WasmMemory, wantedBytes: number): boolean {
  const bytes = memory.buffer.byteLength;
  if (wantedBytes > MEMORY_LIMIT_BYTES) return false;
  // Some more than asked for, so that a growing table doesn't ask for each page.
  const roomy = Math.min(MEMORY_LIMIT_BYTES, Math.max(wantedBytes, Math.ceil(bytes * 1.2)));
  try {
    memory.grow(Math.ceil((roomy - bytes) / PAGE_BYTES));
    return true;
  } catch {
    return false;
  }
}

/** The two kinds of functions that C calls: `int f(lua_State *)` and `void f(lua_State *, lua_Debug *)`. */
export interface Callbacks {
  call(L: number): number;
  hook(L: number, ar: number): void;
}

/**
 * Puts two JavaScript functions where C can call them and returns their addresses. A table of WebAssembly takes only
 * WebAssembly's functions: this smallest of modules imports ours and exports them again.
 */
export function addressesOf(lua: LuaExports, callbacks: Callbacks): { readonly call: number; readonly hook: number } {
  const bytes = [
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // magic, version
    ...[1, 11, 2, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 2, 0x7f, 0x7f, 0], // types: i32 → i32; i32 i32 → nothing
    ...[2, 13, 2, 1, 0x65, 1, 0x63, 0, 0, 1, 0x65, 1, 0x68, 0, 1], // imports: e.c of type 0, e.h of type 1
    ...[7, 9, 2, 1, 0x63, 0, 0, 1, 0x68, 0, 1], // exports: c, h
  ];
  const module = new webAssembly.Module(Uint8Array.from(bytes));
  const { c, h } = new webAssembly.Instance(module, {
    e: {
      c: (L = 0) => callbacks.call(L),
      h: (L = 0, ar = 0) => {
        callbacks.hook(L, ar);
        return undefined;
      },
    },
  }).exports as { c: unknown; h: unknown };
  const table = lua.__indirect_function_table;
  const first = table.grow(2);
  table.set(first, c);
  table.set(first + 1, h);
  return { call: first, hook: first + 1 };
}
