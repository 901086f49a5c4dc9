import {
  closeSync,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { LogDirectory, LogFile } from "./directory.js";

/** The append-only log of a server process: `appenddirname` in the directory that it works in. */
export class DiskLogDirectory implements LogDirectory {
  /**
   * @param parent where the directory is; asked anew each time, since CONFIG SET dir may change it
   * @param folder its name
   */
  constructor(
    private readonly parent: () => string,
    private readonly folder: () => string,
  ) {}

  make(): void {
    mkdirSync(this.#path(), { recursive: true, mode: 0o755 });
  }

  list(): readonly string[] | null {
    return existsSync(this.#path()) ? readdirSync(this.#path()) : null;
  }

  read(name: string): Buffer | null {
    return existsSync(this.#path(name)) ? readFileSync(this.#path(name)) : null;
  }

  sizeOf(name: string): number {
    return statSync(this.#path(name)).size;
  }

  write(name: string, content: string): void {
    const beside = this.#path(`temp-${name}`);
    const fd = openSync(beside, "w", 0o644);
    try {
      writeSync(fd, content, null, "latin1");
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(beside, this.#path(name));
    this.#syncFolder();
  }

  open(name: string): LogFile {
    return new DiskLogFile(this.#path(name));
  }

  truncate(name: string, size: number): void {
    truncateSync(this.#path(name), size);
  }

  rename(from: string, to: string): void {
    renameSync(this.#path(from), this.#path(to));
  }

  remove(name: string): void {
    rmSync(this.#path(name), { force: true });
  }

  hasOld(name: string): boolean {
    return existsSync(join(this.parent(), name));
  }

  adoptOld(name: string): void {
    renameSync(join(this.parent(), name), this.#path(name));
  }

  #path(name = ""): string {
    return join(this.parent(), this.folder(), name);
  }

  /** A name that was just given must outlast a loss of power too. */
  #syncFolder(): void {
    const fd = openSync(this.#path(), "r");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }
}

class DiskLogFile implements LogFile {
  readonly #fd: number;
  #size: number;
  /** A close that came while the disk was asked to write. */
  #closeLater = false;
  #syncing = false;

  constructor(path: string) {
    this.#fd = openSync(path, "a", 0o644);
    this.#size = fstatSync(this.#fd).size;
  }

  get size(): number {
    return this.#size;
  }

  append(bytes: Buffer): void {
    let done = 0;
    try {
      while (done < bytes.length) done += writeSync(this.#fd, bytes, done);
    } catch (error) {
      // Half a command would make all behind it unreadable.
      if (done > 0) ftruncateSync(this.#fd, this.#size);
      throw error;
    }
    this.#size += bytes.length;
  }

  sync(): void {
    fdatasyncSync(this.#fd);
  }

  syncLater(done: (error: Error | null) => void): void {
    this.#syncing = true;
    fdatasync(this.#fd, (error) => {
      this.#syncing = false;
      if (this.#closeLater) closeSync(this.#fd);
      done(error);
    });
  }

  close(): void {
    if (this.#syncing) this.#closeLater = true;
    else closeSync(this.#fd);
  }
}
