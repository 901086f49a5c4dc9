import {
  closeSync,
  existsSync,
  fsync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  write,
  writeSync,
} from "node:fs";
import { promisify } from "node:util";

const writeAsync = promisify(write);

/** A file that is being written; it takes its place when it is complete. Every method throws the system's error. */
export interface RdbFile {
  write(chunk: Buffer): void;
  /** Puts it in the place of what was there. */
  commit(): void;
  /** As `commit`, without making the process wait for the disk; the promise rejects with the system's error. */
  commitLater(): Promise<unknown>;
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
  /** Where a payload of a full sync that goes by way of a file stays behind; undefined where there are no files. */
  readonly payloads?: PayloadFiles;
}

/** Keeps payloads of full syncs in the place of what was saved. */
export interface PayloadFiles {
  /**
   * Doesn't make the process wait for the disk. Rejects with the system's error.
   * @param wanted asked when all is written; false throws it away
   * @returns whether it took its place
   */
  keep(chunks: readonly Buffer[], wanted: () => boolean): Promise<boolean>;
  /** Takes away what was saved. */
  remove(): void;
}

/** Outlives a server within its process, as a disk outlives a server process. */
export class MemoryStore implements RdbStore {
  /** The file, in the pieces that it was written in until somebody reads it: to join them takes a while. */
  #chunks: Buffer[] | null = null;

  create(): RdbFile {
    let chunks: Buffer[] = [];
    const commit = (): void => {
      this.#chunks = chunks;
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
    this.#chunks = [file];
  }

  read(): Buffer | null {
    if (this.#chunks === null) return null;
    const [first] = this.#chunks;
    const file = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    this.#chunks = [file];
    return file;
  }

  /** Forgets what was saved. */
  clear(): void {
    this.#chunks = null;
  }
}

/** A file on disk; written beside its place and moved there, so that a crash leaves the old one whole. */
export class FileStore implements RdbStore, PayloadFiles {
  readonly payloads: PayloadFiles = this;

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

  async keep(chunks: readonly Buffer[], wanted: () => boolean): Promise<boolean> {
    const file = new FileOnDisk(this.path());
    try {
      for (const chunk of chunks) await file.writeLater(chunk);
    } catch (error) {
      file.discard();
      throw error;
    }
    return file.commitLater(wanted);
  }

  remove(): void {
    rmSync(this.path(), { force: true });
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

  async writeLater(chunk: Buffer): Promise<void> {
    for (let done = 0; done < chunk.length; ) {
      const { bytesWritten } = await writeAsync(this.#fd, chunk, done, chunk.length - done, null);
      done += bytesWritten;
    }
  }

  commitLater(wanted: () => boolean = () => true): Promise<boolean> {
    return new Promise((resolve, reject) => {
      fsync(this.#fd, (error) => {
        try {
          if (error) throw error;
          const take = wanted();
          if (take) this.#moveIn();
          else this.discard();
          resolve(take);
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
