import type { TimerHandle } from "../../core/clock.js";
import type { Bytes } from "../../protocol/resp/reply.js";
import { ErrorReply } from "../../protocol/resp/reply.js";
import { encodeCommand, encodeSelect } from "../replication/stream.js";
import type { ServerCore } from "../server-core.js";
import { systemText } from "../system-text.js";
import type { LogDirectory, LogFile } from "./directory.js";
import { LogFileNames } from "./file-names.js";
import { adoptOldLog, readManifest, sizeOfFiles } from "./files.js";
import { wantFirstBase } from "./first-base.js";
import { loadLog } from "./load-log.js";
import { EMPTY_MANIFEST, formatManifest, type Manifest } from "./manifest.js";
import { LogRewrite } from "./rewrite-log.js";

/** Redis looks after its log ten times a second, and lets the disk write once a second. */
const CYCLE_MS = 100;
const FSYNC_MS = 1000;
const SLICE_MS = 8;

/**
 * The append-only log of a server: what changes the data is written behind each chunk of commands, ahead of the replies to
 * them; a base with incremental files, told by a manifest, as Redis 7 keeps them.
 */
export class Aof {
  /** `waiting`: turned on at run time, and the first base isn't there yet. */
  state: "off" | "waiting" | "on" = "off";
  readonly names: LogFileNames;
  manifest: Manifest = EMPTY_MANIFEST;
  readonly rewrite: LogRewrite;
  /** Bytes of base and incremental files, now and when the base was written. */
  currentSize = 0;
  baseSize = 0;
  lastWriteError: string | null = null;
  /** DEBUG AOF-FLUSH-SLEEP: the process stands still for so many milliseconds before each write. */
  flushSleepMs = 0;
  #file: LogFile | null = null;
  #text: Bytes = "";
  #scheduled = false;
  /** Database that the file has selected; -1 = it has to be said. */
  #db = -1;
  #stampS = 0;
  #unsynced = false;
  #syncing = false;
  #syncedMs = 0;
  #timer: TimerHandle | null = null;

  constructor(
    readonly core: ServerCore,
    readonly directory: LogDirectory,
  ) {
    this.names = new LogFileNames(core.config);
    this.rewrite = new LogRewrite(this);
    core.config.setApplier(["appendonly"], () => this.#configured());
    core.config.onChange((names) => {
      if (names.includes("aof-disable-auto-gc")) this.removeHistory();
    });
    core.snapshots.onIdle(() => this.rewrite.tryScheduled());
  }

  /** Writes are refused while the log can't be written. */
  get refusal(): ErrorReply | null {
    if (this.lastWriteError === null || this.state === "off") return null;
    return new ErrorReply(`MISCONF Errors writing to the AOF file: ${this.lastWriteError}`);
  }

  /** Bytes that wait to be written. */
  get bufferLength(): number {
    return this.#text.length;
  }

  /** A command that changed something; `db` -1 = any. */
  feed(db: number, argv: readonly Bytes[]): void {
    if (this.core.config.flag("aof-timestamp-enabled")) this.#stamp();
    if (db >= 0 && db !== this.#db) {
      this.#db = db;
      this.#text += encodeSelect(db);
    }
    this.#text += encodeCommand(argv);
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#flushLater);
  }

  /** Writes what was fed, before anybody is told that it was done. */
  flush(): void {
    if (this.#text === "" || this.#file === null) return;
    if (this.flushSleepMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, this.flushSleepMs);
    const bytes = Buffer.from(this.#text, "latin1");
    const { clock, latency, snapshots } = this.core;
    const always = this.core.config.text("appendfsync") === "always";
    try {
      let startMs = clock.now();
      this.#file.append(bytes);
      const beside = this.#syncing ? "pending-fsync" : snapshots.active === null ? "alone" : "active-child";
      latency.since(startMs, `aof-write-${beside}`, "aof-write");
      this.#text = "";
      this.currentSize += bytes.length;
      if (always) {
        startMs = clock.now();
        this.#file.sync();
        latency.since(startMs, "aof-fsync-always");
      } else this.#unsynced = true;
      if (this.lastWriteError !== null)
        this.core.log("warning", "AOF write error looks solved, Redis can write again.");
      this.lastWriteError = null;
    } catch (error) {
      const reason = systemText(error);
      if (this.lastWriteError === null) this.core.log("warning", `Error writing to the AOF file: ${reason}`);
      this.lastWriteError = reason;
      if (!always) return;
      this.core.log("warning", "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting...");
      this.core.onFatal?.();
    }
  }

  /**
   * What is on disk, at the start; before the log is opened. Null if there is none, else the files are told to be loaded
   * by {@link load}. @throws LogLoadError
   */
  find(): boolean {
    this.manifest = readManifest(this.core, this.directory, this.names);
    if (!this.core.config.flag("appendonly")) return false;
    this.manifest = adoptOldLog(this.core, this.directory, this.names, this.manifest);
    return this.manifest.base !== null || this.manifest.incremental.length > 0;
  }

  /** Loads what was found, in slices. @throws LogLoadError */
  async load(): Promise<void> {
    const { core, directory } = this;
    const startMs = core.clock.now();
    const total = sizeOfFiles(core, directory, this.manifest);
    if (total > 0) {
      const steps = loadLog(core, directory, this.manifest, core.loader.expect(total, false));
      try {
        for (let pauseAt = startMs + SLICE_MS; !steps.next().done; ) {
          if (core.clock.now() <= pauseAt) continue;
          await new Promise<void>((resolve) => core.clock.setImmediate(resolve));
          pauseAt = core.clock.now() + SLICE_MS;
        }
      } finally {
        core.loader.giveUp();
      }
    }
    this.currentSize = sizeOfFiles(this.core, this.directory, this.manifest);
    this.baseSize = this.manifest.base === null ? 0 : directory.sizeOf(this.manifest.base.name);
    const seconds = ((core.clock.now() - startMs) / 1000).toFixed(3);
    core.log("notice", `DB loaded from append only file: ${seconds} seconds`);
  }

  /** DEBUG LOADAOF: the data as the log has it, at once. @throws LogLoadError */
  reload(): void {
    if (this.state === "on") this.flush();
    this.core.keyspace.flushAll();
    const appending = this.core.appending;
    // What is loaded must not be appended once more.
    this.core.appending = false;
    try {
      this.manifest = readManifest(this.core, this.directory, this.names);
      const steps = loadLog(this.core, this.directory, this.manifest, () => {});
      while (!steps.next().done);
    } finally {
      this.core.appending = appending;
      // What the log's commands have changed is no change of the command that asked for it: it must not be appended.
      this.core.effects.begin();
    }
    this.core.log("warning", "Append Only File loaded by DEBUG LOADAOF");
  }

  /** Opens the log at the start of a server, after loading. @throws the system's error */
  open(): void {
    if (!this.core.config.flag("appendonly")) return;
    const { core, directory, names } = this;
    directory.make();
    if (this.manifest.base === null && this.manifest.incremental.length === 0) {
      const base = names.base(1);
      this.rewrite.writeBaseNow(base.name);
      this.manifest = { ...this.manifest, base };
      core.log("notice", `Creating AOF base file ${base.name} on server start`);
      this.baseSize = this.currentSize = directory.sizeOf(base.name);
    }
    const last = this.manifest.incremental.at(-1);
    const entry = last ?? names.incremental(1);
    if (last === undefined) this.manifest = { ...this.manifest, incremental: [entry] };
    this.#use(directory.open(entry.name));
    this.saveManifest();
    core.log("notice", `${last === undefined ? "Creating" : "Opening"} AOF incr file ${entry.name} on server start`);
    this.state = "on";
    this.#run();
    this.removeHistory();
  }

  /** A rewrite begins: what comes from now on goes into a file of its own. @throws the system's error */
  beginIncrement(): void {
    const { directory, names } = this;
    directory.make();
    if (this.state === "waiting") {
      directory.remove(names.temporary);
      this.#use(directory.open(names.temporary));
      return;
    }
    if (this.state === "off") return;
    this.flush();
    this.#file?.sync();
    const entry = names.incremental((this.manifest.incremental.at(-1)?.seq ?? 0) + 1);
    const file = directory.open(entry.name);
    this.manifest = { ...this.manifest, incremental: [...this.manifest.incremental, entry] };
    this.saveManifest();
    this.#use(file);
    this.core.log("notice", `Creating AOF incr file ${entry.name} on background rewrite`);
  }

  /** The new base is in its place under `temporaryBase`: it and the last increment take over. @throws the system's error */
  takeBase(temporaryBase: string): void {
    const { names, manifest, core } = this;
    this.flush();
    const base = names.base((manifest.base?.seq ?? 0) + 1);
    this.#rename(temporaryBase, base.name);
    core.log("notice", `Successfully renamed the temporary AOF base file ${temporaryBase} into ${base.name}`);
    let incremental = this.state === "on" ? manifest.incremental.slice(-1) : [];
    const past = manifest.incremental.slice(0, manifest.incremental.length - incremental.length);
    const old = [...past, ...(manifest.base === null ? [] : [manifest.base])];
    if (this.state === "waiting") {
      const entry = names.incremental((manifest.incremental.at(-1)?.seq ?? 0) + 1);
      this.#rename(names.temporary, entry.name);
      core.log("notice", `Successfully renamed the temporary AOF incr file ${names.temporary} into ${entry.name}`);
      incremental = [entry];
      this.state = "on";
    }
    this.manifest = { base, incremental, history: [...old, ...manifest.history] };
    this.saveManifest();
    this.removeHistory();
    this.currentSize = sizeOfFiles(this.core, this.directory, this.manifest);
    this.baseSize = this.currentSize;
  }

  /** The dataset was replaced by a master's: the log begins anew with it. */
  restart(): void {
    if (this.state === "off") return;
    this.#stop();
    this.#start();
  }

  /** Takes files out that no manifest needs any more, unless they are to be kept. */
  removeHistory(): void {
    const { history } = this.manifest;
    if (history.length === 0 || this.core.config.flag("aof-disable-auto-gc")) return;
    for (const { name } of history) {
      this.core.log("notice", `Removing the history file ${name} in the background`);
      this.directory.remove(name);
    }
    this.manifest = { ...this.manifest, history: [] };
    this.saveManifest();
  }

  saveManifest(): void {
    this.directory.write(this.names.manifest, formatManifest(this.manifest));
  }

  /** Before a shutdown: everything is on disk afterwards. Returns why the server can't end, or null. */
  finish(force: boolean): string | null {
    const { core } = this;
    if (this.state === "waiting") {
      if (!force) return "Writing initial AOF, can't exit";
      core.log("warning", "Writing initial AOF. Exiting anyway.");
    }
    if (this.rewrite.inProgress) {
      core.log("warning", "There is a child rewriting the AOF. Killing it!");
      this.rewrite.cancel();
    }
    if (this.state !== "on") return null;
    core.log("notice", "Calling fsync() on the AOF file.");
    this.flush();
    this.#file?.sync();
    return null;
  }

  /** Ends it without a word; `crash`: what was not written is lost. */
  close(crash: boolean): void {
    this.core.clock.clearTimer(this.#timer);
    this.#timer = null;
    this.rewrite.cancel();
    if (!crash) this.flush();
    this.#text = "";
    this.#file?.close();
    this.#file = null;
    this.core.appending = false;
    this.state = "off";
  }

  #configured(): string | null {
    const wanted = this.core.config.flag("appendonly");
    if (wanted === (this.state !== "off")) return null;
    if (!wanted) {
      this.#stop();
      return null;
    }
    return this.#start() ? null : "Unable to turn on AOF. Check server logs.";
  }

  #start(): boolean {
    this.state = "waiting";
    if (!wantFirstBase(this)) {
      this.state = "off";
      return false;
    }
    this.#run();
    return true;
  }

  /** A rewrite is wanted as soon as nothing else is being written, whether there is a log or not. */
  schedule(): void {
    this.rewrite.scheduled = true;
    this.#run();
  }

  #stop(): void {
    this.flush();
    try {
      this.#file?.sync();
    } catch (error) {
      this.core.log("warning", `Fail to fsync the AOF file: ${systemText(error)}`);
    }
    this.rewrite.cancel();
    this.#file?.close();
    this.#file = null;
    this.#text = "";
    this.core.appending = false;
    this.state = "off";
    this.lastWriteError = null;
    this.core.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #rename(from: string, to: string): void {
    const startMs = this.core.clock.now();
    this.directory.rename(from, to);
    this.core.latency.since(startMs, "aof-rename");
  }

  #use(file: LogFile): void {
    this.#file?.close();
    this.#file = file;
    this.#db = -1;
    this.core.appending = true;
  }

  #stamp(): void {
    const nowS = Math.floor(this.core.clock.epoch() / 1000);
    if (nowS <= this.#stampS) return;
    this.#stampS = nowS;
    this.#text += `#TS:${nowS}\r\n`;
  }

  readonly #flushLater = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  #run(): void {
    this.#timer ??= this.core.clock.setTimer(() => {
      this.#timer = null;
      if (this.state === "off") {
        this.rewrite.tryScheduled();
        if (this.rewrite.scheduled) this.#run();
        return;
      }
      this.flush();
      this.#syncEverySecond();
      this.rewrite.tryScheduled();
      this.rewrite.tryByGrowth();
      this.#run();
    }, CYCLE_MS);
  }

  #syncEverySecond(): void {
    const { clock, config } = this.core;
    const nowMs = clock.now();
    if (!this.#unsynced || this.#syncing || config.text("appendfsync") !== "everysec") return;
    if (nowMs - this.#syncedMs < FSYNC_MS) return;
    this.#syncedMs = nowMs;
    this.#unsynced = false;
    this.#syncing = true;
    this.#file?.syncLater((error) => {
      this.#syncing = false;
      if (error === null) return;
      this.#unsynced = true;
      this.core.log("warning", `Fail to fsync the AOF file: ${systemText(error)}`);
    });
  }
}
