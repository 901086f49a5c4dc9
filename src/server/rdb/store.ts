import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

/** Where SAVE puts a dataset and a start finds it again. */
export interface RdbStore {
  /** Takes the place of what was there. Throws the system's error if it can't be written. */
  write(file: Buffer): void;
  /** Null if nothing was saved. */
  read(): Buffer | null;
}

/** Outlives a server within its process, as a disk outlives a server process. */
export class MemoryStore implements RdbStore {
  #file: Buffer | null = null;

  write(file: Buffer): void {
    this.#file = file;
  }

  read(): Buffer | null {
    return this.#file;
  }

  /** Forgets what was saved. */
  clear(): void {
    this.#file = null;
  }
}

/** A file on disk; written beside its place and moved there, so that a crash leaves the old one whole. */
export class FileStore implements RdbStore {
  /** @param path asked anew each time: CONFIG SET dir and dbfilename may change it */
  constructor(private readonly path: () => string) {}

  write(file: Buffer): void {
    const path = this.path();
    const beside = `${path}.${process.pid}.tmp`;
    writeFileSync(beside, file);
    renameSync(beside, path);
  }

  read(): Buffer | null {
    const path = this.path();
    return existsSync(path) ? readFileSync(path) : null;
  }
}
