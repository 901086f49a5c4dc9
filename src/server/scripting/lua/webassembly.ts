/**
 * What the dev server uses of WebAssembly. Neither ES2023 nor Node.js's types declare it; a declaration of our own keeps
 * the whole of the browser's (`lib.dom`) out of the package.
 */
export interface WasmMemory {
  /** Replaced by a new one whenever the memory grows. */
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

export interface WasmTable {
  readonly length: number;
  get(index: number): (...args: number[]) => number;
  set(index: number, value: unknown): void;
  grow(by: number): number;
}

export type WasmImports = Record<string, Record<string, (...args: number[]) => number | undefined>>;

interface WasmModule {
  readonly __module: never;
}

interface WasmInstance {
  readonly exports: object;
}

interface WasmNamespace {
  readonly Module: {
    new (bytes: Uint8Array): WasmModule;
    imports(module: WasmModule): readonly { readonly module: string; readonly name: string }[];
  };
  readonly Instance: new (module: WasmModule, imports: WasmImports) => WasmInstance;
}

export const { WebAssembly: webAssembly } = globalThis as unknown as { WebAssembly: WasmNamespace };
