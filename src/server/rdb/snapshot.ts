import type { Bytes } from "../../protocol/resp/reply.js";
import { REDIS_VERSION } from "../../protocol/version.js";
import type { CutSink, DatabaseCut, PutAside } from "../keyspace/cut.js";
import type { Database } from "../keyspace/database.js";
import type { Entry } from "../keyspace/entry.js";
import { accountedBytes, keyBytes } from "../keyspace/measure.js";
import { toRdb } from "./convert.js";
import { RdbWriter, type Usage } from "./write.js";
import { type Divisible, type LargeValue, largeValue } from "./write-large.js";

/** What a file says of the history its data belongs to; -1 and "" where it says nothing. */
export interface SavedHistory {
  readonly replid: string;
  readonly offset: number;
  /** Database that the stream which follows has selected; -1 = it will say so. */
  readonly streamDb: number;
}

/** What a snapshot holds and how it is written. */
export interface SnapshotOptions {
  readonly history: SavedHistory;
  /** No keys: a replica wants the rest alone. Default false. */
  readonly withoutData?: boolean;
  /** Function libraries. Default none. */
  readonly functions?: readonly Bytes[];
  /** Which usage of keys is written along, by maxmemory-policy. Default none. */
  readonly usage?: "idle" | "freq" | null;
  /** Long strings are compressed. Default false. */
  readonly compress?: boolean;
  /** Default true. */
  readonly checksum?: boolean;
  /** The file is the base of an AOF. Default false. */
  readonly aofBase?: boolean;
}

/**
 * One consistent cut of databases as an RDB, written in pieces while they are in use. From the moment it is made the
 * databases tell it ahead of each change; `step()` writes some more, `end()` gives up.
 */
export class Snapshot implements CutSink {
  readonly #writer: RdbWriter;
  readonly #cuts: DatabaseCut[] = [];
  #large: { readonly cut: DatabaseCut; readonly key: Bytes; readonly pieces: Iterator<undefined> } | null = null;
  /** Keys that were written ahead of a change while a large value was half written: they have to stand behind it. */
  #behind: { readonly writer: RdbWriter; readonly chunks: Buffer[] } | null = null;
  #begun = false;
  #ended = false;
  readonly #nowS: number;
  /** Keys there are and keys written. */
  readonly total: number;
  written = 0;
  /** About how many bytes were written ahead of a change: what copying on write costs where there is a fork. */
  aheadBytes = 0;

  /**
   * @param emit takes the chunks of the file
   * @param watch false: everything is written before anything changes, so the databases need not tell
   */
  constructor(
    private readonly databases: readonly Database[],
    epochMs: number,
    emit: (chunk: Buffer) => void,
    private readonly options: SnapshotOptions,
    private readonly watch = true,
  ) {
    const { compress = false, checksum = true } = options;
    this.#nowS = Math.floor(epochMs / 1000);
    this.#writer = new RdbWriter(emit, { compress, checksum });
    for (const db of options.withoutData === true ? [] : databases) {
      const cut = db.beginCut(this, watch);
      if (cut !== null) this.#cuts.push(cut);
    }
    this.total = this.#cuts.reduce((sum, cut) => sum + cut.size, 0);
  }

  /** Writes one slot, or a piece of a large value; true when the file is complete. */
  step(): boolean {
    if (this.#ended) return true;
    this.#begin();
    if (!this.#writeSome()) this.#finish();
    return this.#ended;
  }

  /** Gives up: the databases need not tell any more. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.watch) for (const db of this.databases) db.endCut();
    for (const cut of this.#cuts) cut.end();
  }

  entry(db: number, key: Bytes, entry: Entry): void {
    this.#begin();
    this.written++;
    const writer = this.#large === null ? this.#writer : this.#writerBehind();
    writer.key(db, key, toRdb(entry.value), entry.expireAt === -1 ? null : entry.expireAt, this.#usageOf(entry));
  }

  ahead(key: Bytes, entry: Entry): void {
    this.aheadBytes += keyBytes(key) + accountedBytes(entry.value);
  }

  putAside(entry: Entry): LargeEntry {
    return new LargeEntry(entry, largeValue(entry.value as Divisible, this.watch));
  }

  /** What stands before the keys. */
  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    const { history, functions = [], aofBase = false } = this.options;
    const facts: [Bytes, Bytes][] = [
      ["redis-ver", REDIS_VERSION],
      ["redis-bits", "64"],
      ["ctime", String(this.#nowS)],
    ];
    if (history.replid !== "") {
      if (history.streamDb >= 0) facts.push(["repl-stream-db", String(history.streamDb)]);
      facts.push(["repl-id", history.replid], ["repl-offset", String(history.offset)]);
    }
    facts.push(["aof-base", aofBase ? "1" : "0"]);
    for (const [name, value] of facts) this.#writer.aux(name, value);
    for (const library of functions) this.#writer.functionLibrary(library);
    for (const cut of this.#cuts) this.#writer.resizeDb(cut.index, cut.size, cut.volatileSize);
  }

  /** False if there is nothing left to write. */
  #writeSome(): boolean {
    if (this.#large !== null) {
      if (this.#large.pieces.next().done) {
        this.#large.cut.large.delete(this.#large.key);
        this.#largeDone();
      }
      return true;
    }
    const cut = this.#cuts[0];
    if (cut === undefined) return false;
    for (const [key, aside] of cut.large) {
      this.#beginLarge(cut, key, aside as LargeEntry);
      return true;
    }
    if (cut.walked) this.#cuts.shift();
    else cut.writeSlot();
    return true;
  }

  #beginLarge(cut: DatabaseCut, key: Bytes, { entry, image }: LargeEntry): void {
    const { type } = entry.value as Divisible;
    this.#writer.beginKey(cut.index, key, type, entry.expireAt === -1 ? null : entry.expireAt, this.#usageOf(entry));
    this.#large = { cut, key, pieces: image.write(this.#writer) };
  }

  #largeDone(): void {
    this.#large = null;
    this.written++;
    const behind = this.#behind;
    this.#behind = null;
    if (behind === null) return;
    behind.writer.flush();
    this.#writer.splice(behind.chunks);
  }

  #writerBehind(): RdbWriter {
    if (this.#behind === null) {
      const chunks: Buffer[] = [];
      const { compress = false } = this.options;
      const writer = new RdbWriter((chunk) => chunks.push(chunk), { header: "", compress, checksum: false });
      this.#behind = { writer, chunks };
    }
    return this.#behind.writer;
  }

  #usageOf(entry: Entry): Usage {
    const { usage = null } = this.options;
    if (usage === null) return null;
    return usage === "idle" ? { idleS: Math.max(0, this.#nowS - entry.accessedS) } : { freq: entry.accessedS & 255 };
  }

  #finish(): void {
    this.#writer.finish();
    this.end();
  }
}

class LargeEntry implements PutAside {
  constructor(
    readonly entry: Entry,
    readonly image: LargeValue,
  ) {}

  changes(): void {
    this.image.changes();
  }

  drop(): void {
    this.image.drop();
  }
}

/** Writes all databases as one RDB, now. */
export function writeSnapshot(
  databases: readonly Database[],
  epochMs: number,
  emit: (chunk: Buffer) => void,
  options: SnapshotOptions,
): void {
  const snapshot = new Snapshot(databases, epochMs, emit, options, false);
  while (!snapshot.step());
}
