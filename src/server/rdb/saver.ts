import type { TimerHandle } from "../../core/clock.js";
import type { ServerCore } from "../server-core.js";
import { type SavedHistory, type SnapshotOptions, writeSnapshot } from "./snapshot.js";
import type { SnapshotJob } from "./snapshots.js";
import type { RdbFile, RdbStore } from "./store.js";

/** Redis looks at its save points ten times a second. */
const CYCLE_MS = 100;
/** Seconds after a failed save before the save points try again. */
const RETRY_S = 5;

const CANCELLED = "cancelled";

/** SAVE, BGSAVE and the save points: puts the dataset into the store, and knows how that went. */
export class Saver {
  /** Seconds since 1970 of the last save that worked, or of the start. */
  lastSaveS: number;
  lastOk = true;
  /** Saves that were begun. */
  saves = 0;
  #lastTryS = 0;
  /** Seconds that the last background save took; -1 = there was none. */
  lastTookS = -1;
  /** About how many bytes the last background save had to write ahead of changes. */
  lastAheadBytes = 0;
  /** BGSAVE SCHEDULE: begins when nothing else is being written. */
  #scheduled = false;
  #job: SnapshotJob | null = null;
  #startedS = 0;
  #timer: TimerHandle | null = null;
  #stopped = false;

  /** @param history what the file says of where its data belongs */
  constructor(
    private readonly server: ServerCore,
    private readonly store: RdbStore,
    private readonly history: () => SavedHistory,
  ) {
    this.lastSaveS = this.#nowS;
    this.configChanged(["save"]);
    server.snapshots.onIdle(() => this.#watch());
  }

  /** A background save runs. */
  get inProgress(): boolean {
    return this.#job !== null;
  }

  /** Seconds since the running background save was begun; -1 = none runs. */
  get tookS(): number {
    return this.#job === null ? -1 : this.#nowS - this.#startedS;
  }

  get scheduled(): boolean {
    return this.#scheduled;
  }

  /** Writes are refused: a save failed, and stop-writes-on-bgsave-error says so. */
  get refusesWrites(): boolean {
    const { config } = this.server;
    return !this.lastOk && config.flag("stop-writes-on-bgsave-error") && config.text("save") !== "";
  }

  /** SAVE: returns when the file is in its place. Throws the system's error. */
  save(): void {
    this.saves++;
    let file: RdbFile | null = null;
    const { server } = this;
    try {
      const to = this.store.create();
      file = to;
      writeSnapshot(server.databases, server.clock.epoch(), (chunk) => to.write(chunk), this.options());
      to.commit();
    } catch (error) {
      file?.discard();
      server.log("warning", `Failed saving the DB: ${(error as Error).message}`);
      throw error;
    }
    this.server.log("notice", "DB saved on disk");
    this.#saved(this.server.effects.totalDirty);
  }

  /** BGSAVE. Nothing else may be being written. False if it could not even begin. */
  saveInBackground(): boolean {
    const { server } = this;
    this.saves++;
    this.#lastTryS = this.#startedS = this.#nowS;
    const changes = server.effects.totalDirty;
    let file: RdbFile;
    try {
      file = this.store.create();
    } catch (error) {
      this.#failed(error as Error);
      return false;
    }
    server.log("notice", `Background saving started by pid ${process.pid}`);
    let over = false;
    const job = server.snapshots.start("save", this.options(), {
      chunk: (chunk) => file.write(chunk),
      complete: () => {
        file.commitLater().then(
          () => {
            over = true;
            this.lastAheadBytes = this.#job?.aheadBytes ?? 0;
            this.#job = null;
            server.log("notice", "DB saved on disk");
            server.log("notice", "Background saving terminated with success");
            this.#saved(changes);
          },
          (error: unknown) => {
            over = true;
            this.#failed(error as Error);
          },
        );
      },
      failed: (error) => {
        over = true;
        const startMs = server.clock.now();
        file.discard();
        server.latency.since(startMs, "rdb-unlink-temp-file");
        this.#failed(error);
      },
    });
    if (!over) this.#job = job;
    return true;
  }

  /**
   * A payload for replicas is begun that goes by way of a file. Where such a file stays behind it is a save too: returns what
   * to tell of the complete payload, else null.
   */
  shared(): ((chunks: readonly Buffer[]) => void) | null {
    const { payloads } = this.store;
    if (payloads === undefined) return null;
    const turn = ++this.saves;
    this.#lastTryS = this.#startedS = this.#nowS;
    const changes = this.server.effects.totalDirty;
    return (chunks) => {
      payloads
        .keep(chunks, () => turn === this.saves && !this.#stopped)
        .then(
          (kept) => {
            if (!kept) return;
            this.#saved(changes);
            this.#dropPayload("used to feed replicas in a persistence-less instance");
          },
          (error: unknown) => this.#failed(error as Error),
        );
    };
  }

  /** A master's payload takes the place of what was saved, where there are files. Rejects with the system's error. */
  async received(payload: Buffer): Promise<void> {
    await this.store.payloads?.keep([payload], () => true);
  }

  /** A master's payload was loaded, or could not be. */
  receivedIsLoaded(): void {
    this.#dropPayload("obtained from the master. This replica has persistence disabled");
  }

  /** rdb-del-sync-files: where nothing is to be kept, nothing is. */
  #dropPayload(which: string): void {
    const { payloads } = this.store;
    const { config, aof, log } = this.server;
    if (payloads === undefined || !config.flag("rdb-del-sync-files")) return;
    if (config.text("save") !== "" || (aof !== null && aof.state !== "off")) return;
    log("notice", `Removing the RDB file ${which}`);
    payloads.remove();
  }

  /** BGSAVE SCHEDULE, while something else is being written. */
  schedule(): void {
    this.#scheduled = true;
    this.#watch();
  }

  /**
   * DEBUG RELOAD: saves unless told not to, and loads what is saved; see `Loader.loadNow` for `how`.
   * @throws the system's error, RdbError
   */
  reload(save: boolean, how: "replaceAll" | "merge" | "append"): void {
    const { server } = this;
    if (save) this.save();
    const file = this.store.read();
    if (file === null) throw new Error("nothing was saved");
    server.loader.loadNow(file, how, server.replication.role === "master");
    server.log("warning", "DB reloaded by DEBUG RELOAD");
  }

  configChanged(names: readonly string[]): void {
    if (names.includes("save")) this.#watch();
  }

  /** Gives up a save that runs; no timer is left. */
  stop(): void {
    this.#stopped = true;
    this.server.clock.clearTimer(this.#timer);
    this.#timer = null;
    this.cancel();
  }

  /** Gives up a background save that runs. It doesn't count as failed. */
  cancel(): void {
    const job = this.#job;
    if (job === null) return;
    this.server.log("warning", "There is a child saving an .rdb. Killing it!");
    this.#job = null;
    job.cancel(CANCELLED);
  }

  /**
   * FLUSHALL: what is being saved is of no use any more, nor what replicas are about to get (they ask again), and the saved
   * file shall not bring it back.
   * @returns whether the empty dataset was saved
   */
  flushed(): boolean {
    const { active } = this.server.snapshots;
    this.cancel();
    if (active !== null && active.kind !== "save" && active.kind !== "aof") active.cancel("the data was flushed");
    if (this.server.config.text("save") === "") return false;
    try {
      this.save();
      return true;
    } catch {
      // It was logged, and FLUSHALL works all the same.
      return false;
    }
  }

  /** How a snapshot for a file is written. */
  options(): SnapshotOptions {
    const { config, functionStore } = this.server;
    const policy = config.text("maxmemory-policy");
    return {
      history: this.history(),
      functions: functionStore?.dump() ?? [],
      usage: policy.endsWith("lru") ? "idle" : policy.endsWith("lfu") ? "freq" : null,
      compress: config.flag("rdbcompression"),
      checksum: config.flag("rdbchecksum"),
    };
  }

  get #nowS(): number {
    return Math.floor(this.server.clock.epoch() / 1000);
  }

  #saved(changes: number): void {
    this.server.effects.totalDirty -= changes;
    this.lastOk = true;
    this.lastSaveS = this.#nowS;
    this.lastTookS = this.#nowS - this.#startedS;
  }

  #failed(error: Error): void {
    if (error.message === CANCELLED) return;
    this.#job = null;
    this.lastOk = false;
    this.lastTookS = this.#nowS - this.#startedS;
    this.server.log("warning", `Background saving error: ${error.message}`);
  }

  /** Sees to it that the save points are looked at, as long as there is something to look at. */
  #watch(): void {
    if (this.#stopped || this.#timer !== null) return;
    if (!this.#scheduled && this.server.config.text("save") === "") return;
    this.#timer = this.server.clock.setTimer(() => {
      this.#timer = null;
      this.#look();
      this.#watch();
    }, CYCLE_MS);
  }

  #look(): void {
    const { server } = this;
    if (server.snapshots.active !== null || this.#job !== null) return;
    const nowS = this.#nowS;
    const mayTry = this.lastOk || nowS - this.#lastTryS > RETRY_S;
    if (!mayTry) return;
    const words = server.config.text("save").split(" ");
    for (let i = 0; i + 1 < words.length; i += 2) {
      const [seconds, changes] = [Number(words[i]), Number(words[i + 1])];
      if (server.effects.totalDirty < changes || nowS - this.lastSaveS <= seconds) continue;
      server.log("notice", `${changes} changes in ${seconds} seconds. Saving...`);
      this.saveInBackground();
      return;
    }
    if (this.#scheduled) {
      this.#scheduled = false;
      this.saveInBackground();
    }
  }
}
