import type { Bytes } from "../../protocol/resp/reply.js";
import { Flag } from "../dispatch/flags.js";
import type { Database } from "../keyspace/database.js";
import type { ServerCore } from "../server-core.js";
import { RdbError } from "./error.js";
import { type Loaded, loadAtOnce, loadInSlices } from "./load.js";

/** Milliseconds of loading after which other work gets its turn. */
const SLICE_MS = 4;

/** How a dataset takes the place of the present one. */
export interface LoadMode {
  /** Keys that have expired meanwhile are left out: what a master does. */
  readonly dropExpired: boolean;
  /** Told of each key that was left out so. */
  readonly dropped?: (db: number, key: Bytes) => void;
  /** `first`: the old data goes before the new comes, and is lost if that fails; `last`: only when the new one is there. */
  readonly empty: "first" | "last";
  /** The old data is served meanwhile (swapdb). */
  readonly serving?: boolean;
}

/** Loads datasets into a server, and knows how far it has come. */
export class Loader {
  #active: { readonly startedS: number; readonly serving: boolean; total: number; loaded: number } | null = null;
  /** Keys of the last load: loaded, and left out as expired. */
  lastKeys = 0;
  lastExpired = 0;
  /** DEBUG SET-SKIP-CHECKSUM-VALIDATION. */
  skipsChecksums = false;

  constructor(private readonly server: ServerCore) {}

  /** Commands without the `loading` flag get -LOADING. */
  get loading(): boolean {
    return this.#active !== null && !this.#active.serving;
  }

  /** True if a command with these flags (`Flag`) has to wait until a dataset is loaded. */
  refuses(bits: number): boolean {
    if (this.#active === null) return false;
    return this.#active.serving ? (bits & Flag.noAsyncLoading) !== 0 : (bits & Flag.loading) === 0;
  }

  /** A dataset is loaded while the old one is served. */
  get loadingAside(): boolean {
    return this.#active?.serving === true;
  }

  /** A payload comes in that is loaded as it comes (repl-diskless-load): INFO and -LOADING say so from now on. Returns what to tell of the bytes loaded. */
  expect(total: number, serving: boolean): (bytes: number) => void {
    const active = { startedS: this.#nowS, serving, total, loaded: 0 };
    this.#active = active;
    return (bytes) => {
      active.loaded = bytes;
    };
  }

  /** What was expected will not come. */
  giveUp(): void {
    this.#active = null;
  }

  /**
   * Loads a file in slices and puts it in the place of the present data.
   * @param wanted asked when all is read: false drops it
   * @throws RdbError
   */
  async load(file: Buffer, mode: LoadMode, wanted: () => boolean = () => true): Promise<Loaded> {
    const { server } = this;
    this.expect(file.length, mode.serving === true);
    const active = this.#active;
    try {
      if (mode.empty === "first") server.keyspace.flushAll();
      const fresh = this.#freshDatabases();
      const loaded = await loadInSlices(file, fresh, {
        clock: server.clock,
        limits: server.config,
        dropExpired: mode.dropExpired,
        empty: (key) => server.log("warning", `rdbLoadObject skipping empty key: ${key}`),
        checksum: this.#comparesChecksums,
        ...(mode.dropped ? { dropped: mode.dropped } : {}),
        sliceMs: SLICE_MS,
        keyDelayMicros: server.config.number("key-load-delay"),
        wanted,
        progress: (bytes) => {
          if (active !== null) active.loaded = bytes;
        },
      });
      this.#take(fresh, loaded);
      const skipped = loaded.emptyKeys > 0 ? `, empty keys skipped: ${loaded.emptyKeys}` : "";
      server.log("notice", `Done loading RDB, keys loaded: ${loaded.keys}, keys expired: ${loaded.expired}${skipped}.`);
      return loaded;
    } finally {
      if (this.#active === active) this.#active = null;
    }
  }

  /**
   * Loads a file in one go (DEBUG RELOAD): in the place of the present data, or into it; then a key that is there
   * already is replaced (`merge`) or an error.
   * @throws RdbError
   */
  loadNow(file: Buffer, how: "replaceAll" | "merge" | "append", dropExpired: boolean): void {
    const { server } = this;
    if (how === "replaceAll") server.keyspace.flushAll();
    const fresh = this.#freshDatabases();
    const loaded = loadAtOnce(file, fresh, {
      clock: server.clock,
      limits: server.config,
      dropExpired,
      checksum: this.#comparesChecksums,
    });
    if (how === "replaceAll") this.#take(fresh, loaded);
    else {
      this.#takeFunctions(loaded, how);
      for (const db of fresh) this.#merge(db, how === "merge");
    }
  }

  /** The fields of INFO persistence that are there only during a load. */
  lines(): string[] {
    const active = this.#active;
    if (active === null) return [];
    const { startedS, total, loaded } = active;
    const elapsedS = this.#nowS - startedS;
    const eta = elapsedS === 0 ? 1 : Math.floor((elapsedS * Math.max(0, total - loaded)) / (loaded + 1));
    return [
      `loading_start_time:${startedS}`,
      `loading_total_bytes:${total}`,
      "loading_rdb_used_mem:0",
      `loading_loaded_bytes:${loaded}`,
      `loading_loaded_perc:${total === 0 ? "0.00" : ((loaded / total) * 100).toFixed(2)}`,
      `loading_eta_seconds:${eta}`,
    ];
  }

  #freshDatabases(): Database[] {
    const { keyspace, databases } = this.server;
    return databases.map((db) => keyspace.createDatabase(db.index));
  }

  #take(fresh: readonly Database[], loaded: Loaded): void {
    this.#takeFunctions(loaded, "replaceAll");
    this.server.keyspace.replaceAll(fresh);
    this.lastKeys = loaded.keys;
    this.lastExpired = loaded.expired;
  }

  #takeFunctions({ functions }: Loaded, how: "replaceAll" | "merge" | "append"): void {
    const { functionStore } = this.server;
    if (functionStore !== null) functionStore.load(functions, how);
    else if (functions.length > 0) {
      throw new RdbError("the RDB holds function libraries, which this server does not have");
    }
  }

  #merge(from: Database, replace: boolean): void {
    const into = this.server.databases[from.index] as Database;
    for (const [key, { value, expireAt }] of from.entries()) {
      if (!replace && into.peekAny(key) !== undefined) throw new RdbError(`the key '${key}' is there already`);
      into.set(key, value);
      if (expireAt !== -1) into.setExpireAt(key, expireAt);
    }
  }

  get #comparesChecksums(): boolean {
    return this.server.config.flag("rdbchecksum") && !this.skipsChecksums;
  }

  get #nowS(): number {
    return Math.floor(this.server.clock.epoch() / 1000);
  }
}
