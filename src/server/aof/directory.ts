/** A file that grows. Every method throws the system's error. */
export interface LogFile {
  /** Bytes so far. */
  readonly size: number;
  append(bytes: Buffer): void;
  /** Returns when the disk has it. */
  sync(): void;
  /** As `sync`, without making the process wait. */
  syncLater(done: (error: Error | null) => void): void;
  close(): void;
}

/** Where the files of an append-only log are. Every method throws the system's error. */
export interface LogDirectory {
  /** Makes it, if it isn't there. */
  make(): void;
  /** The names of the files that are there; null where there is no such directory. */
  list(): readonly string[] | null;
  /** Null where there is no such file. */
  read(name: string): Buffer | null;
  sizeOf(name: string): number;
  /** Puts a whole file in its place at once. */
  write(name: string, content: string): void;
  /** A file to append to, new or old. */
  open(name: string): LogFile;
  truncate(name: string, size: number): void;
  rename(from: string, to: string): void;
  remove(name: string): void;
  /** Brings a log of Redis before 7.0 in, which stands beside the directory under this name; false if there is none. */
  hasOld(name: string): boolean;
  adoptOld(name: string): void;
}

/** Files that live as long as this object: for a server inside a process, which writes nothing to disk. */
export class MemoryLogDirectory implements LogDirectory {
  readonly #files = new Map<string, MemoryLogFile>();

  make(): void {}

  list(): readonly string[] {
    return [...this.#files.keys()];
  }

  read(name: string): Buffer | null {
    return this.#files.get(name)?.content ?? null;
  }

  sizeOf(name: string): number {
    return this.#files.get(name)?.size ?? 0;
  }

  write(name: string, content: string): void {
    const file = new MemoryLogFile();
    file.append(Buffer.from(content, "latin1"));
    this.#files.set(name, file);
  }

  open(name: string): LogFile {
    let file = this.#files.get(name);
    if (file === undefined) this.#files.set(name, (file = new MemoryLogFile()));
    return file;
  }

  truncate(name: string, size: number): void {
    this.#files.get(name)?.truncate(size);
  }

  rename(from: string, to: string): void {
    const file = this.#files.get(from);
    if (file === undefined) throw new Error(`no file '${from}'`);
    this.#files.delete(from);
    this.#files.set(to, file);
  }

  remove(name: string): void {
    this.#files.delete(name);
  }

  hasOld(): boolean {
    return false;
  }

  adoptOld(): void {}

  /** Forgets everything. */
  clear(): void {
    this.#files.clear();
  }
}

class MemoryLogFile implements LogFile {
  #room = Buffer.alloc(0);
  size = 0;

  get content(): Buffer {
    return this.#room.subarray(0, this.size);
  }

  append(bytes: Buffer): void {
    const end = this.size + bytes.length;
    if (end > this.#room.length) {
      const larger = Buffer.alloc(Math.max(1024, end * 2));
      this.#room.copy(larger, 0, 0, this.size);
      this.#room = larger;
    }
    bytes.copy(this.#room, this.size);
    this.size = end;
  }

  truncate(size: number): void {
    this.size = Math.min(this.size, size);
  }

  sync(): void {}

  syncLater(done: (error: Error | null) => void): void {
    done(null);
  }

  close(): void {}
}
