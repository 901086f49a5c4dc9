import type { TimerHandle } from "../../core/clock.js";
import type { ServerCore } from "../server-core.js";
import { Snapshot, type SnapshotOptions } from "./snapshot.js";

/** Milliseconds of writing after which clients get their turn. */
const SLICE_MS = 4;
/** The setting may change meanwhile. */
const LONGEST_DELAY_MS = 1000;

/** What a snapshot is written for: a file, replicas by way of a file or straight, an append-only file. */
export type SnapshotKind = "save" | "replicas" | "replicas-straight" | "aof";

/** Where a snapshot goes. Each of these may throw: the snapshot has failed then. */
export interface SnapshotSink {
  chunk(chunk: Buffer): void;
  /** False while no more chunks are wanted; call `resume()` of the job when that changes. Default: always wanted. */
  ready?(): boolean;
  /** All chunks have been handed over. */
  complete(): void;
  /** It could not be written, or was cancelled; `complete` will not be called. */
  failed(error: Error): void;
}

/** A snapshot that is being written. */
export interface SnapshotJob {
  readonly kind: SnapshotKind;
  readonly startedMs: number;
  readonly total: number;
  readonly written: number;
  /** About how many bytes were written ahead of changes. */
  readonly aheadBytes: number;
  /** The sink is ready again. */
  resume(): void;
  /** Writes all the rest now. */
  runToEnd(): void;
  /** Gives up; the sink is told. */
  cancel(reason: string): void;
}

/**
 * Writes snapshots of a server's data in slices between which clients are served, one snapshot at a time (as Redis has one
 * child at a time).
 */
export class Snapshots {
  #active: Job | null = null;
  readonly #idle = new Set<() => void>();

  constructor(private readonly server: ServerCore) {}

  /** The snapshot that is being written; null if there is none. */
  get active(): SnapshotJob | null {
    return this.#active;
  }

  /** Calls `run` each time a snapshot has ended, complete or not. */
  onIdle(run: () => void): void {
    this.#idle.add(run);
  }

  /**
   * Cuts the dataset as it is now and begins to write it. What is small is written whole before this returns.
   * @throws Error if another snapshot is being written
   */
  start(kind: SnapshotKind, options: SnapshotOptions, sink: SnapshotSink): SnapshotJob {
    if (this.#active !== null) throw new Error("another snapshot is being written");
    const job = new Job(this.server, kind, options, sink, (tell) => {
      this.#active = null;
      tell();
      for (const run of this.#idle) run();
    });
    this.#active = job;
    this.server.stats.forks++;
    job.slice();
    return job;
  }
}

class Job implements SnapshotJob {
  readonly #snapshot: Snapshot;
  readonly startedMs: number;
  #over = false;
  #scheduled = false;
  #timer: TimerHandle | null = null;

  constructor(
    private readonly server: ServerCore,
    readonly kind: SnapshotKind,
    options: SnapshotOptions,
    private readonly sink: SnapshotSink,
    /** Called when nothing is written any more; `tell` tells the sink. */
    private readonly ended: (tell: () => void) => void,
  ) {
    const { clock, databases } = server;
    this.startedMs = clock.now();
    this.#snapshot = new Snapshot(databases, clock.epoch(), (chunk) => this.#emit(chunk), options);
  }

  /** Keys for which rdb-key-save-delay has been waited. */
  #waitedFor = 0;

  get total(): number {
    return this.#snapshot.total;
  }

  get written(): number {
    return this.#snapshot.written;
  }

  get aheadBytes(): number {
    return this.#snapshot.aheadBytes;
  }

  resume(): void {
    if (!this.#over) this.#schedule(0);
  }

  runToEnd(): void {
    while (!this.#over) this.#write(Number.POSITIVE_INFINITY);
  }

  cancel(reason: string): void {
    this.#fail(new Error(reason));
  }

  slice(): void {
    this.#scheduled = false;
    this.#timer = null;
    if (this.#over || this.sink.ready?.() === false) return;
    const delayMicros = this.server.config.number("rdb-key-save-delay");
    if (delayMicros > 0) {
      // A setting for tests: as if each key took that long, also one that was written ahead of a change.
      const owedMs = (): number => ((this.written - this.#waitedFor) * delayMicros) / 1000;
      while (owedMs() < 1 && !this.#over) this.#write(0);
      if (this.#over) return;
      const delayMs = Math.min(owedMs(), LONGEST_DELAY_MS);
      this.#waitedFor += (delayMs * 1000) / delayMicros;
      this.#schedule(delayMs);
      return;
    }
    this.#write(this.server.clock.now() + SLICE_MS);
    if (!this.#over) this.#schedule(0);
  }

  #schedule(ms: number): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const { clock } = this.server;
    if (ms > 0) this.#timer = clock.setTimer(() => this.slice(), ms);
    else clock.setImmediate(() => this.slice());
  }

  #write(untilMs: number): void {
    try {
      const { clock } = this.server;
      let complete = this.#snapshot.step();
      while (!complete && !this.#over && clock.now() < untilMs && this.sink.ready?.() !== false) {
        complete = this.#snapshot.step();
      }
      if (complete && !this.#over) {
        this.#end(() => this.sink.complete());
      }
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** Chunks also come outside of slices, ahead of changes: an error there must not hit the command that changes. */
  #emit(chunk: Buffer): void {
    if (this.#over) return;
    try {
      this.sink.chunk(chunk);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    if (this.#over) return;
    this.#end(() => this.sink.failed(error));
  }

  #end(tell: () => void): void {
    this.#over = true;
    this.server.clock.clearTimer(this.#timer);
    this.#snapshot.end();
    this.ended(tell);
  }
}
