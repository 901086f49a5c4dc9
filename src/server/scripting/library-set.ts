import type { Bytes } from "../../protocol/resp/reply.js";
import { readLibraryHead } from "./flags.js";

/** A function that a library has registered. */
export interface RegisteredFunction {
  readonly name: Bytes;
  readonly description: Bytes | null;
  /** `ScriptFlag`s. */
  readonly flags: number;
  /** The function in the Lua state. */
  readonly ref: number;
}

export interface FunctionLibrary {
  readonly name: Bytes;
  /** The whole source, first line included. */
  readonly code: Bytes;
  readonly functions: Map<Bytes, RegisteredFunction>;
}

/** What names of libraries and functions must be. */
export const BAD_NAME =
  "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long";
const NAME = /^[A-Za-z0-9_]+$/;

export function isGoodName(name: Bytes): boolean {
  return NAME.test(name);
}

/** Libraries whose functions have names of their own. */
export class LibrarySet {
  readonly libraries = new Map<Bytes, FunctionLibrary>();
  /** By name in lower case: FCALL takes any letter case. */
  readonly functions = new Map<Bytes, RegisteredFunction>();

  /**
   * Adds a library from its source: all or nothing.
   * @param compile fills the library's functions from the source behind the first line, or tells what is wrong
   * @param forget called for a library that is not or no longer part of the set
   */
  add(
    code: Bytes,
    replace: boolean,
    compile: (library: FunctionLibrary, source: Bytes) => Bytes | null,
    forget: (library: FunctionLibrary) => void,
  ): { readonly name: Bytes } | { readonly error: Bytes } {
    const head = readLibraryHead(code);
    if (typeof head === "string") return { error: head };
    const { name } = head;
    if (!isGoodName(name)) return { error: `ERR ${BAD_NAME}` };
    if (head.engine.toLowerCase() !== "lua") return { error: `ERR Engine '${head.engine}' not found` };
    const old = this.libraries.get(name);
    if (old !== undefined && !replace) return { error: `ERR Library '${name}' already exists` };
    if (old !== undefined) this.remove(old);
    const library: FunctionLibrary = { name, code, functions: new Map() };
    const error = compile(library, head.code) ?? this.#conflict(library);
    if (error !== null) {
      forget(library);
      if (old !== undefined) this.#link(old);
      return { error };
    }
    this.#link(library);
    if (old !== undefined) forget(old);
    return { name };
  }

  remove(library: FunctionLibrary): void {
    this.libraries.delete(library.name);
    for (const name of library.functions.keys()) this.functions.delete(name.toLowerCase());
  }

  /** Takes over all libraries of `other`, or none and tells why. With `replace` libraries of the same names make room. */
  join(other: LibrarySet, replace: boolean): { readonly replaced: readonly FunctionLibrary[] } | Bytes {
    const replaced: FunctionLibrary[] = [];
    const undo = (): void => {
      for (const library of replaced) this.#link(library);
    };
    for (const name of other.libraries.keys()) {
      const old = this.libraries.get(name);
      if (old === undefined) continue;
      if (!replace) {
        undo();
        return `ERR Library ${name} already exists`;
      }
      this.remove(old);
      replaced.push(old);
    }
    for (const { name } of other.functions.values()) {
      if (!this.functions.has(name.toLowerCase())) continue;
      undo();
      return `ERR Function ${name} already exists`;
    }
    for (const library of other.libraries.values()) this.#link(library);
    return { replaced };
  }

  #conflict(library: FunctionLibrary): Bytes | null {
    if (library.functions.size === 0) return "ERR No functions registered";
    for (const name of library.functions.keys()) {
      if (this.functions.has(name.toLowerCase())) return `ERR Function ${name} already exists`;
    }
    return null;
  }

  #link(library: FunctionLibrary): void {
    this.libraries.set(library.name, library);
    for (const fn of library.functions.values()) this.functions.set(fn.name.toLowerCase(), fn);
  }
}
