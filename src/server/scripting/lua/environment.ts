import type { Bytes } from "../../../protocol/resp/reply.js";
import { LeftRun, type Place } from "./left-run.js";
import { GLOBALS, LuaError, type LuaMachine, type NativeFunction, REGISTRY, TYPE } from "./machine.js";
import { PRELUDE } from "./prelude.js";
import { compile, type LockedTables, lockRespecting, openLibraries } from "./sandbox.js";
import { placeOfError } from "./stack-place.js";
import { LONG_JUMP } from "./wasm.js";

/** What a table of a state is filled with before it is locked. */
export interface LibraryTable {
  readonly functions: Readonly<Record<string, NativeFunction>>;
  /** `null` stands for a light userdata of address 0, as cjson has it for JSON's null. */
  readonly values?: Readonly<Record<string, string | number | null>>;
}

/** Asked about once a millisecond of running code: may it go on, shall it be set aside, or is it to end with this error? */
export type Watch = () => "go" | "pause" | { readonly error: Bytes };

/** How a run, or a part of it, ended. After `done` the results stand on the stack of `thread`, until `finish()`. */
export type Outcome =
  | { readonly kind: "done"; readonly thread: number }
  | { readonly kind: "paused" }
  | {
      readonly kind: "failed";
      /** With its code word. */
      readonly error: Bytes;
      readonly source: Bytes | null;
      readonly line: number | null;
      /** The command that raised it has counted it in the statistics already. */
      readonly counted: boolean;
    };

/** Instructions between two questions to the watch. */
const HOOK_INSTRUCTIONS = 100_000;
const MASK_LINE = 4;
const MASK_COUNT = 8;
/** Where a `lua_State` of Lua 5.1 on a 32-bit machine keeps what tells whether it may be set aside. */
const OFFSET = { nCcalls: 52, baseCcalls: 54, hookmask: 56, basehookcount: 60 } as const;
/** After so many runs a thread is replaced, so that a script that changed its environment does not keep it for ever. */
const RUNS_PER_THREAD = 1000;

/** One Lua state with the sandbox in it, in which scripts run one at a time. */
export class LuaEnvironment {
  readonly L: number;
  readonly #ids: number[] = [];
  readonly #locked: LockedTables = new Map();
  readonly #globals: number;
  readonly #library: number;
  readonly #begin: number;
  readonly #place: number;
  /** Whether the layout of `lua_State` is the one known, so that a run can be set aside. */
  readonly #canPause: boolean;
  #watch: Watch = () => "go";
  #thread: { readonly L: number; readonly ref: number; runs: number } | null = null;
  #pausing = false;
  readonly #left: LeftRun;
  #doomed = false;
  #closed = false;

  constructor(
    readonly m: LuaMachine,
    tables: Readonly<Record<string, LibraryTable>>,
    /** What `redis` holds while a library is loaded. */
    loadApi: LibraryTable,
  ) {
    const { c } = m;
    this.#left = new LeftRun(m);
    this.L = c.luaL_newstate();
    if (this.L === 0) throw new LuaError("not enough memory");
    openLibraries(m, this.L);
    for (const [name, table] of Object.entries(tables)) {
      if (m.rawGetField(this.L, GLOBALS, name) !== TYPE.table) {
        c.lua_settop(this.L, -2);
        c.lua_createtable(this.L, 0, 16);
      }
      this.#fill(table);
      m.rawSetField(this.L, GLOBALS, name);
    }
    const refs = this.#runPrelude(loadApi) as [number, number, number, number];
    [this.#globals, this.#library, this.#begin, this.#place] = refs;
    c.lua_rawgeti(this.L, REGISTRY, this.#globals);
    c.lua_replace(this.L, GLOBALS);
    c.lua_sethook(this.L, m.hookAddress, MASK_COUNT, HOOK_INSTRUCTIONS);
    this.#canPause =
      m.memory[this.L + OFFSET.hookmask] === MASK_COUNT &&
      m.memory.readUInt32LE(this.L + OFFSET.basehookcount) === HOOK_INSTRUCTIONS;
  }

  /** Bytes that the state takes. */
  get memoryBytes(): number {
    const { c } = this.m;
    return c.lua_gc(this.L, 3, 0) * 1024 + c.lua_gc(this.L, 4, 0);
  }

  /** Compiles `text`: a reference to the function, or why not. */
  compile(text: Bytes, name: Bytes): { readonly ref: number } | { readonly error: Bytes } {
    const { m, L } = this;
    const { c } = m;
    // Lua would take a binary chunk as one; to a compiler it is just a character that can't stand there.
    if (text.startsWith("\x1b")) return { error: `${name.slice(1)}:1: unexpected symbol near 'char(27)'` };
    if (compile(m, L, text, name) === 0) return { ref: c.luaL_ref(L, REGISTRY) };
    const error = m.text(L, -1) ?? "";
    c.lua_settop(L, -2);
    return { error };
  }

  forget(ref: number): void {
    if (!this.#closed) this.m.c.luaL_unref(this.L, REGISTRY, ref);
  }

  /** Sets a global that every script sees (KEYS, ARGV) to an array of strings. */
  setGlobalArray(name: Bytes, items: readonly Bytes[]): void {
    const { m, L } = this;
    const behind = this.#locked.get(this.#addressOf(this.#globals))?.behind as number;
    m.c.lua_rawgeti(L, REGISTRY, behind);
    this.pushArray(L, items);
    m.rawSetField(L, -2, name);
    m.c.lua_settop(L, -2);
  }

  pushArray(L: number, items: readonly Bytes[]): void {
    const { m } = this;
    m.c.lua_createtable(L, items.length, 0);
    for (let i = 0; i < items.length; i++) {
      m.pushString(L, items[i] as Bytes);
      m.c.lua_rawseti(L, -2, i + 1);
    }
  }

  /** While a library is loaded, code sees nothing but the means to register functions. */
  showLibraryApi(shown: boolean): void {
    const { m, L } = this;
    const { c } = m;
    c.lua_rawgeti(L, REGISTRY, this.#globals);
    c.lua_getmetatable(L, -1);
    const behind = this.#locked.get(this.#addressOf(this.#globals))?.behind as number;
    c.lua_rawgeti(L, REGISTRY, shown ? this.#library : behind);
    m.rawSetField(L, -2, "__index");
    c.lua_settop(L, -3);
  }

  /** Runs a function with what `push` leaves on the stack (it says how many). */
  run(ref: number, watch: Watch, push: (L: number) => number): Outcome {
    const { c } = this.m;
    if (this.#thread === null || this.#thread.runs >= RUNS_PER_THREAD) this.#newThread();
    const thread = this.#thread as { readonly L: number; runs: number };
    thread.runs++;
    this.#watch = watch;
    this.#pausing = this.#doomed = false;
    c.lua_rawgeti(thread.L, REGISTRY, ref);
    return this.#drive(push(thread.L));
  }

  /** Takes a run up again that was set aside. */
  resume(): Outcome {
    return this.#drive(0);
  }

  /** Whether a native function that runs on `L` may leave the run, to be answered later. */
  mayLeave(L: number): boolean {
    return this.#mayPause(L);
  }

  /** Leaves the run from a native function, which returns what this returns. The run is `paused` until it is answered. */
  leave(L: number): number {
    this.#pausing = true;
    return this.#left.leave(L);
  }

  /** Takes up a run that was left: `push` puts the function's result on a stack, or with `raises` the error that it raises. */
  answer(push: (L: number) => void, raises: boolean): Outcome {
    const { m } = this;
    this.#left.begin(push, raises, (L) => m.c.lua_sethook(L, m.hookAddress, MASK_COUNT, 1));
    try {
      return this.#drive(this.#left.push((this.#thread as { readonly L: number }).L));
    } finally {
      this.#left.end();
    }
  }

  /** Where the script that was set aside stands, as `source` and line. */
  pausedAt(): Place | null {
    const { m, L } = this;
    const { c } = m;
    if (this.#thread === null) return null;
    c.lua_rawgeti(L, REGISTRY, this.#place);
    c.lua_rawgeti(L, REGISTRY, this.#thread.ref);
    const found = c.lua_pcall(L, 1, 2, 0) === 0 ? m.text(L, -2) : null;
    const line = c.lua_tonumber(L, -1);
    c.lua_settop(L, 0);
    return found === null ? null : { source: found, line };
  }

  /** The results of a run were taken: the thread is free for the next. */
  finish(): void {
    if (this.#thread !== null) this.m.c.lua_settop(this.#thread.L, 0);
  }

  /** Forgets a run that failed or is never to be taken up again. */
  abandon(): void {
    if (this.#thread !== null && !this.#closed) this.m.c.luaL_unref(this.L, REGISTRY, this.#thread.ref);
    this.#thread = null;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#thread = null;
    this.m.c.lua_close(this.L);
    for (const id of this.#ids) this.m.release(id);
  }

  #drive(args: number): Outcome {
    const { m } = this;
    const { L } = this.#thread as { readonly L: number };
    const outerHook = m.hook;
    const saved = m.c.stackSave();
    m.hook = (running) => this.#onHook(running);
    let status: number;
    try {
      status = m.c.lua_resume(L, args);
    } catch (error) {
      // The stack of the process was used up, or Lua's memory outside any handler: this state can't even be closed.
      m.c.stackRestore(saved);
      this.#closed = true;
      this.#thread = null;
      const why = error === LONG_JUMP ? "not enough memory" : error instanceof RangeError ? "stack overflow" : "";
      return { kind: "failed", error: `ERR ${why || String(error)}`, source: null, line: null, counted: false };
    } finally {
      m.hook = outerHook;
    }
    if (status === 0) return { kind: "done", thread: L };
    if (status === 1) {
      this.#pausing = false;
      return { kind: "paused" };
    }
    const failure = this.#failure(L);
    this.abandon();
    return failure;
  }

  /** True if what is left is not usable any more: a new environment has to take its place. */
  get broken(): boolean {
    return this.#closed;
  }

  #onHook(running: number): void {
    const { m } = this;
    if (this.#pausing) return;
    if (this.#left.pushError(running, this.#thread?.L ?? 0)) {
      m.c.lua_sethook(running, m.hookAddress, MASK_COUNT, HOOK_INSTRUCTIONS);
      m.raise(running);
    }
    const verdict = this.#watch();
    if (verdict === "go") return;
    if (verdict === "pause") {
      if (!this.#mayPause(running)) return;
      this.#pausing = true;
      m.c.lua_yield(running, 0);
      return;
    }
    // From here on at every line, so that a script that catches the error gets no further.
    this.#doomed = true;
    m.c.lua_sethook(running, m.hookAddress, MASK_LINE, 0);
    this.pushError(running, verdict.error);
    m.raise(running);
  }

  /** Lua 5.1 sets nothing aside from inside a C function that has called back (a sort's comparison, a metamethod). */
  #mayPause(L: number): boolean {
    const { memory } = this.m;
    return this.#canPause && memory.readUInt16LE(L + OFFSET.nCcalls) === memory.readUInt16LE(L + OFFSET.baseCcalls);
  }

  /** Pushes `{ err = text }`, the form in which redis.* raises errors. */
  pushError(L: number, text: Bytes): void {
    this.m.c.lua_createtable(L, 0, 1);
    this.m.pushString(L, text);
    this.m.rawSetField(L, -2, "err");
  }

  /** Reads the error on top of a dead thread's stack. */
  #failure(L: number): Outcome {
    const { m } = this;
    const { c } = m;
    let { source, line } = this.#left.raisedAt ?? placeOfError(m, L) ?? { source: null, line: null };
    this.#left.raisedAt = null;
    let error: Bytes;
    let counted = false;
    if (c.lua_type(L, -1) === TYPE.table) {
      m.rawGetField(L, -1, "err");
      error = m.text(L, -1) ?? "ERR unknown error";
      counted = m.rawGetField(L, -2, "ignore_error_stats_update") === TYPE.boolean && c.lua_toboolean(L, -1) !== 0;
    } else {
      const type = c.lua_type(L, -1);
      const text =
        type === TYPE.nil ? "nil" : type === TYPE.boolean ? String(c.lua_toboolean(L, -1) !== 0) : m.text(L, -1);
      error = `ERR ${text ?? m.typeName(L, -1)}`;
    }
    if (source === null || line === null) source = line = null;
    return { kind: "failed", error, source, line, counted };
  }

  #newThread(): void {
    const { m, L } = this;
    const { c } = m;
    this.abandon();
    const thread = c.lua_newthread(L);
    c.lua_rawgeti(L, REGISTRY, this.#begin);
    c.lua_pushvalue(L, -2);
    c.lua_pcall(L, 1, 0, 0);
    this.#thread = { L: thread, ref: c.luaL_ref(L, REGISTRY), runs: 0 };
  }

  #addressOf(ref: number): number {
    const { c } = this.m;
    c.lua_rawgeti(this.L, REGISTRY, ref);
    const address = c.lua_topointer(this.L, -1);
    c.lua_settop(this.L, -2);
    return address;
  }

  /** Fills the table on top of the stack. */
  #fill(table: LibraryTable): void {
    const { m, L } = this;
    for (const [name, fn] of Object.entries(table.functions)) {
      const id = m.register(fn);
      this.#ids.push(id);
      m.pushFunction(L, id);
      m.rawSetField(L, -2, name);
    }
    for (const [name, value] of Object.entries(table.values ?? {})) {
      if (value === null) m.c.lua_pushlightuserdata(L, 0);
      else if (typeof value === "number") m.c.lua_pushnumber(L, value);
      else m.pushString(L, value);
      m.rawSetField(L, -2, name);
    }
  }

  /** Runs the prelude; references to what it returns. */
  #runPrelude(loadApi: LibraryTable): number[] {
    const { m, L } = this;
    const { c } = m;
    if (compile(m, L, PRELUDE, "=prelude") !== 0) throw new Error(`prelude: ${m.text(L, -1)}`);
    c.lua_createtable(L, 0, 0);
    c.lua_setfenv(L, -2);
    c.lua_createtable(L, 0, 24);
    this.#fill({ functions: { ...lockRespecting(m, this.#locked), ...this.#natives() } });
    c.lua_createtable(L, 0, 16);
    this.#fill(loadApi);
    m.rawSetField(L, -2, "library");
    c.lua_pushvalue(L, GLOBALS);
    if (c.lua_pcall(L, 2, 4, 0) !== 0) throw new Error(`prelude: ${m.text(L, -1)}`);
    const refs = [0, 0, 0, 0].map(() => c.luaL_ref(L, REGISTRY));
    return refs.reverse();
  }

  #natives(): Readonly<Record<string, NativeFunction>> {
    const { m } = this;
    const { c } = m;
    return {
      parked: (L) => {
        if (!this.#pausing) return 0;
        const may = this.#mayPause(L);
        if (!may) this.#pausing = false;
        c.lua_pushboolean(L, may ? 1 : 0);
        return 1;
      },
      answer: (L) => this.#left.push(L),
      doomed: (L) => {
        c.lua_pushboolean(L, this.#doomed ? 1 : 0);
        return 1;
      },
      plain: (L) => {
        const plain = c.lua_type(L, 1) === TYPE.function && c.lua_iscfunction(L, 1) === 0;
        c.lua_pushboolean(L, plain ? 1 : 0);
        return 1;
      },
      lock: (L) => {
        c.lua_settop(L, 3);
        const shown = c.lua_type(L, 3) === TYPE.nil ? null : c.luaL_ref(L, REGISTRY);
        c.lua_settop(L, 2);
        const behind = c.luaL_ref(L, REGISTRY);
        this.#locked.set(c.lua_topointer(L, 1), { behind, shown });
        // Never collected, since its address stands for it.
        c.luaL_ref(L, REGISTRY);
        return 0;
      },
      metatable: (L) => c.lua_getmetatable(L, 1),
      missing: (L) => {
        if (c.lua_gettop(L) !== 2) m.raiseText(L, "Wrong number of arguments to luaProtectedTableError");
        const name = m.text(L, 2);
        if (name === null) m.raiseText(L, "Second argument to luaProtectedTableError must be a string or number");
        return m.raiseText(L, `Script attempted to access nonexistent global variable '${name}'`);
      },
    };
  }
}
