import type { Bytes } from "../../protocol/resp/reply.js";
import type { FunctionStore } from "../rdb/functions.js";
import type { ServerCore } from "../server-core.js";
import { openEnvironment } from "./environments.js";
import { type FunctionLibrary, LibrarySet, type RegisteredFunction } from "./library-set.js";
import type { LuaEnvironment } from "./lua/environment.js";
import { registerFunction } from "./register-function.js";

/** FUNCTION LOAD may take this long; it is to register functions, not to work. */
const LOAD_TIMEOUT_MS = 500;
const LOAD_TIMEOUT_TEXT = "ERR FUNCTION LOAD timeout";

/** The function libraries of a server, and the Lua state that their functions run in. */
export class Libraries implements FunctionStore {
  #set = new LibrarySet();
  #environment: LuaEnvironment | null = null;
  /** The library that is being loaded: what redis.register_function adds to. */
  #loading: FunctionLibrary | null = null;

  constructor(private readonly server: ServerCore) {}

  /** By name, in the order of loading. */
  get byName(): ReadonlyMap<Bytes, FunctionLibrary> {
    return this.#set.libraries;
  }

  /** By name in lower case. */
  get functions(): ReadonlyMap<Bytes, RegisteredFunction> {
    return this.#set.functions;
  }

  /** Made by the first library. */
  get environment(): LuaEnvironment {
    if (this.#environment?.broken) this.#reopen();
    this.#environment ??= openEnvironment(this.server, "function", {
      register_function: (L) => registerFunction((this.#environment as LuaEnvironment).m, L, this.#loading),
    });
    return this.#environment;
  }

  /** Bytes of Lua's memory; 0 while there is no state. */
  get memoryBytes(): number {
    return this.#environment?.memoryBytes ?? 0;
  }

  /** The sources of all libraries, as an RDB and FUNCTION DUMP hold them. */
  dump(): Bytes[] {
    return [...this.#set.libraries.values()].map((library) => library.code);
  }

  /**
   * FUNCTION LOAD. The library's name; an error's text if nothing has changed.
   * @param trusted it comes from a master or a file and is given all the time it takes
   */
  add(code: Bytes, replace: boolean, trusted: boolean): { readonly name: Bytes } | { readonly error: Bytes } {
    return this.#set.add(code, replace, (library, source) => this.#compile(library, source, trusted), this.#forget);
  }

  /** FUNCTION DELETE; false if there is none. */
  delete(name: Bytes): boolean {
    const library = this.#set.libraries.get(name);
    if (library === undefined) return false;
    this.#set.remove(library);
    this.#forget(library);
    return true;
  }

  /** FUNCTION FLUSH. */
  flush(): void {
    for (const library of this.#set.libraries.values()) this.#forget(library);
    this.#set = new LibrarySet();
  }

  /**
   * FUNCTION RESTORE, and a dataset that is loaded: all of these libraries or, with an error's text, none.
   * @param policy what becomes of the libraries there are: `flush` ends them all, `replace` those of the same names
   */
  restore(codes: readonly Bytes[], policy: "append" | "replace" | "flush"): Bytes | null {
    const loaded = new LibrarySet();
    const drop = (): void => {
      for (const library of loaded.libraries.values()) this.#forget(library);
    };
    for (const code of codes) {
      const result = loaded.add(code, false, (library, source) => this.#compile(library, source, true), this.#forget);
      if ("error" in result) {
        drop();
        return result.error;
      }
    }
    if (policy === "flush") {
      this.flush();
      this.#set = loaded;
      return null;
    }
    const joined = this.#set.join(loaded, policy === "replace");
    if (typeof joined === "string") {
      drop();
      return joined;
    }
    for (const library of joined.replaced) this.#forget(library);
    return null;
  }

  load(codes: readonly Bytes[], how: "replaceAll" | "merge" | "append"): void {
    const policy = how === "replaceAll" ? "flush" : how === "merge" ? "replace" : "append";
    const error = this.restore(codes, policy);
    if (error !== null) throw new Error(error);
  }

  close(): void {
    this.#set = new LibrarySet();
    this.#environment?.close();
    this.#environment = null;
  }

  /** Runs a library's source, which registers its functions with `library`; an error's text if that went wrong. */
  #compile(library: FunctionLibrary, source: Bytes, trusted: boolean): Bytes | null {
    const { environment } = this;
    const compiled = environment.compile(source, "@user_function");
    if ("error" in compiled) return `ERR Error compiling function: ${compiled.error}`;
    const { clock } = this.server;
    const startMs = clock.now();
    this.#loading = library;
    environment.showLibraryApi(true);
    try {
      const late = (): boolean => !trusted && clock.now() - startMs > LOAD_TIMEOUT_MS;
      const outcome = environment.run(
        compiled.ref,
        () => (late() ? { error: LOAD_TIMEOUT_TEXT } : "go"),
        () => 0,
      );
      if (outcome.kind === "failed") return `ERR Error registering functions: ${outcome.error}`;
      environment.finish();
      return null;
    } finally {
      this.#loading = null;
      if (!environment.broken) environment.showLibraryApi(false);
      environment.forget(compiled.ref);
    }
  }

  readonly #forget = (library: FunctionLibrary): void => {
    for (const { ref } of library.functions.values()) this.#environment?.forget(ref);
  };

  /** The state is unusable after a script has used up the process's stack: loads all libraries into a new one. */
  #reopen(): void {
    const codes = this.dump();
    this.close();
    this.restore(codes, "flush");
  }
}
