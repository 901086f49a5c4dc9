import type { TimerHandle } from "../../core/clock.js";
import { type SnapshotOptions, writeSnapshot } from "../rdb/snapshot.js";
import type { SnapshotJob } from "../rdb/snapshots.js";
import { systemText } from "../system-text.js";
import type { Aof } from "./aof.js";
import { datasetCommands } from "./dataset-commands.js";
import type { LogFile } from "./directory.js";

const CANCELLED = "cancelled";
const CHUNK = 64 * 1024;
/** Milliseconds after a failed rewrite before growth may begin another. */
const RETRY_MS = 60_000;

/** BGREWRITEAOF: a new base from the data as it is, written in the background. */
export class LogRewrite {
  /** To begin when nothing else is being written. */
  scheduled = false;
  lastOk = true;
  rewrites = 0;
  /** Failures since the last one that worked. */
  failures = 0;
  /** Seconds that the last one took; -1 = there was none. */
  lastTookS = -1;
  #job: SnapshotJob | null = null;
  #active = false;
  #startedMs = 0;
  #failedMs = Number.NEGATIVE_INFINITY;
  #delay: TimerHandle | null = null;
  #temporary: { readonly name: string; readonly file: LogFile } | null = null;

  constructor(private readonly aof: Aof) {}

  get inProgress(): boolean {
    return this.#active;
  }

  /** Seconds since the running one was begun; -1 = none runs. */
  get tookS(): number {
    return this.#active ? Math.floor((this.aof.core.clock.now() - this.#startedMs) / 1000) : -1;
  }

  /** Begins; nothing else may be being written. False if it could not. */
  begin(): boolean {
    const { aof } = this;
    const { core, directory } = aof;
    this.scheduled = false;
    this.rewrites++;
    this.#startedMs = core.clock.now();
    try {
      aof.beginIncrement();
      const name = `temp-rewriteaof-bg-${process.pid}.aof`;
      directory.remove(name);
      this.#temporary = { name, file: directory.open(name) };
    } catch (error) {
      core.log("warning", `Can't rewrite append only file in background: ${systemText(error)}`);
      this.#failed();
      return false;
    }
    this.#active = true;
    core.log("notice", `Background append only file rewriting started by pid ${process.pid}`);
    this.#write(this.#temporary.file);
    return true;
  }

  /** Gives up; it doesn't count as failed. */
  cancel(): void {
    const job = this.#job;
    const { core } = this.aof;
    if (this.#active) core.log("notice", `Killing running AOF rewrite child: ${process.pid}`);
    core.clock.clearTimer(this.#delay);
    this.scheduled = false;
    this.#job = null;
    this.#active = false;
    this.#dropTemporary();
    job?.cancel(CANCELLED);
  }

  /** Begins what is scheduled, if nothing else is being written. */
  tryScheduled(): void {
    const { core } = this.aof;
    if (this.scheduled && !this.#active && core.snapshots.active === null && !core.inExec) this.begin();
  }

  /** Begins if the log has grown as far as auto-aof-rewrite-… says. */
  tryByGrowth(): void {
    const { core, currentSize, baseSize, state } = this.aof;
    const percentage = core.config.number("auto-aof-rewrite-percentage");
    if (state !== "on" || this.#active || percentage === 0 || core.snapshots.active !== null) return;
    if (currentSize <= core.config.number("auto-aof-rewrite-min-size")) return;
    const growth = Math.floor((currentSize * 100) / (baseSize || 1)) - 100;
    if (growth < percentage || (!this.lastOk && core.clock.now() - this.#failedMs < RETRY_MS)) return;
    core.log("notice", `Starting automatic rewriting of AOF on ${growth}% growth`);
    this.begin();
  }

  /** A base at once: at the start, where there is nothing else to do. @throws the system's error */
  writeBaseNow(name: string): void {
    const { core, directory } = this.aof;
    directory.remove(name);
    const file = directory.open(name);
    if (core.config.flag("aof-use-rdb-preamble")) {
      writeSnapshot(core.databases, core.clock.epoch(), (chunk) => file.append(chunk), this.#options());
    } else this.#writeCommands(file);
    file.sync();
    file.close();
  }

  #write(file: LogFile): void {
    const { core } = this.aof;
    if (!core.config.flag("aof-use-rdb-preamble")) {
      core.stats.forks++;
      try {
        this.#writeCommands(file);
        this.#completeLater(file);
      } catch (error) {
        this.#failed(error);
      }
      return;
    }
    let over = false;
    const job = core.snapshots.start("aof", this.#options(), {
      chunk: (chunk) => file.append(chunk),
      complete: () => {
        over = true;
        this.#job = null;
        this.#sync(file);
      },
      failed: (error) => {
        over = true;
        this.#job = null;
        if (error.message !== CANCELLED) this.#failed(error);
      },
    });
    if (!over) this.#job = job;
  }

  /** Without a preamble the cut is made by doing nothing else meanwhile. */
  #writeCommands(file: LogFile): void {
    let text = "";
    if (this.aof.core.config.flag("aof-timestamp-enabled"))
      text = `#TS:${Math.floor(this.aof.core.clock.epoch() / 1000)}\r\n`;
    for (const command of datasetCommands(this.aof.core)) {
      text += command;
      if (text.length < CHUNK) continue;
      file.append(Buffer.from(text, "latin1"));
      text = "";
    }
    file.append(Buffer.from(text, "latin1"));
  }

  /** rdb-key-save-delay, a setting for tests: as if each key had taken that long. */
  #completeLater(file: LogFile): void {
    const { core } = this.aof;
    const keys = core.databases.reduce((sum, db) => sum + db.size, 0);
    const delayMs = (keys * core.config.number("rdb-key-save-delay")) / 1000;
    if (delayMs <= 0) this.#sync(file);
    else this.#delay = core.clock.setTimer(() => this.#sync(file), delayMs);
  }

  #sync(file: LogFile): void {
    file.syncLater((error) => {
      if (this.#temporary?.file !== file) return;
      if (error === null) this.#complete();
      else this.#failed(error);
    });
  }

  #complete(): void {
    const { aof } = this;
    const { core } = aof;
    const temporary = this.#temporary;
    this.#temporary = null;
    this.#active = false;
    if (temporary === null) return;
    core.log("notice", "Background AOF rewrite terminated with success");
    try {
      temporary.file.close();
      aof.takeBase(temporary.name);
    } catch (error) {
      this.#failed(error);
      return;
    }
    this.lastOk = true;
    this.failures = 0;
    this.lastTookS = Math.floor((core.clock.now() - this.#startedMs) / 1000);
    core.log("notice", "Background AOF rewrite finished successfully");
  }

  #failed(error?: unknown): void {
    const { core, state } = this.aof;
    if (error !== undefined) core.log("warning", `Background AOF rewrite terminated with error: ${systemText(error)}`);
    this.#dropTemporary();
    this.#active = false;
    this.lastOk = false;
    this.failures++;
    this.#failedMs = core.clock.now();
    // The first base is still wanted.
    if (state === "waiting") this.scheduled = true;
  }

  #dropTemporary(): void {
    const temporary = this.#temporary;
    this.#temporary = null;
    if (temporary === null) return;
    temporary.file.close();
    this.aof.directory.remove(temporary.name);
  }

  #options(): SnapshotOptions {
    const { config, functionStore } = this.aof.core;
    return {
      history: { replid: "", offset: -1, streamDb: -1 },
      functions: functionStore?.dump() ?? [],
      compress: config.flag("rdbcompression"),
      checksum: config.flag("rdbchecksum"),
      aofBase: true,
    };
  }
}
