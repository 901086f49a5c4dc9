import {
  closeSync,
  existsSync,
  fsync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";

/** A file that is being written; it takes its place when it is complete. Every method throws the system's error. */
export interface RdbFile {
  write(chunk: Buffer): void;
  /** Puts it in the place of what was there. */
  commit(): void;
  /** As `commit`, without making the process wait for the disk; the promise rejects with the system's error. */
  commitLater(): Promise<void>;
  /** Throws it away. */
  discard(): void;
}

/** Where SAVE puts a dataset and a start finds it again. */
export interface RdbStore {
  /** Begins a file. Throws the system's error if it can't be written. */
  create(): RdbFile;
  /** A whole file at once. */
  write(file: Buffer): void;
  /** Null if nothing was saved. */
  read(): Buffer | null;
}

/** Outlives a server within its process, as a disk outlives a server process. */
export class MemoryStore implements RdbStore {
  #file: Buffer | null = null;

  create(): RdbFile {
    let chunks: Buffer[] = [];
    const commit = (): void => {
      this.#file = Buffer.concat(chunks);
      chunks = [];
    };
    return {
      write: (chunk) => void chunks.push(chunk),
      commit,
      commitLater: async () => commit(),
      discard: () => {
        chunks = [];
      },
    };
  }

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

  create(): RdbFile {
    return new FileOnDisk(this.path());
  }

  write(file: Buffer): void {
    const sink = this.create();
    sink.write(file);
    sink.commit();
  }

  read(): Buffer | null {
    const path = this.path();
    return existsSync(path) ? readFileSync(path) : null;
  }
}

/** Written beside its place, under the name that Redis gives such a file (and another one while that is in use). */
export class FileOnDisk implements RdbFile {
  static readonly #open = new Set<string>();
  readonly #beside: string;
  readonly #fd: number;

  constructor(private readonly path: string) {
    const slash = path.lastIndexOf("/");
    const name = `${path.slice(0, slash + 1)}temp-${process.pid}`;
    let beside = `${name}.rdb`;
    for (let i = 1; FileOnDisk.#open.has(beside); i++) beside = `${name}-${i}.rdb`;
    this.#beside = beside;
    this.#fd = openSync(beside, "w");
    FileOnDisk.#open.add(beside);
  }

  write(chunk: Buffer): void {
    for (let done = 0; done < chunk.length; ) done += writeSync(this.#fd, chunk, done);
  }

  commit(): void {
    fsyncSync(this.#fd);
    this.#moveIn();
  }

  commitLater(): Promise<void> {
    return new Promise((resolve, reject) => {
      fsync(this.#fd, (error) => {
        try {
          if (error) throw error;
          this.#moveIn();
          resolve();
        } catch (reason) {
          this.discard();
          reject(reason as Error);
        }
      });
    });
  }

  discard(): void {
    try {
      closeSync(this.#fd);
    } catch {
      // It was closed already.
    }
    FileOnDisk.#open.delete(this.#beside);
    rmSync(this.#beside, { force: true });
  }

  #moveIn(): void {
    closeSync(this.#fd);
    renameSync(this.#beside, this.path);
    FileOnDisk.#open.delete(this.#beside);
  }
}
