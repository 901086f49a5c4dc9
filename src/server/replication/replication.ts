import type { TimerHandle } from "../../core/clock.js";
import { type Bytes, ErrorReply, NO_REPLY, type Reply } from "../../protocol/resp/reply.js";
import type { Client } from "../dispatch/client.js";
import { errors } from "../dispatch/errors.js";
import { Flag } from "../dispatch/flags.js";
import type { ReplicationHooks } from "../dispatch/hooks.js";
import type { RdbStore } from "../rdb/store.js";
import type { ServerCore } from "../server-core.js";
import { StreamApplier } from "./applier.js";
import { freshHistory, type History, promoted } from "./history.js";
import { type LinkInfo, replicationInfo } from "./info.js";
import { type LinkHandlers, ReplicaLink } from "./link.js";
import { decidePsync, type PsyncRequest } from "./psync-decision.js";
import { type Replica, Replicas } from "./replicas.js";
import { ReplicationSettings } from "./settings.js";
import { digestDatabases, readSnapshot, type SavedHistory, writeSnapshot } from "./snapshot.js";
import { StreamOut } from "./stream-out.js";
import { Waits } from "./waits.js";

/** Milliseconds of loading after which other work gets its turn. */
const LOAD_SLICE_MS = 10;

const GETACK: readonly Bytes[] = ["REPLCONF", "GETACK", "*"];
const PING: readonly Bytes[] = ["PING"];

/**
 * One server's part in replication, whichever role it plays: hands its stream to the replicas that are attached to it, and,
 * as a replica itself, keeps a link to its master. Decisions are made in the pure modules beside; this carries them out.
 */
export class Replication implements ReplicationHooks {
  readonly replicas: Replicas;
  readonly out: StreamOut;
  readonly applier: StreamApplier;
  readonly settings: ReplicationSettings;
  readonly #waits = new Waits();
  #link: ReplicaLink | null = null;
  /** The own history may be named in PSYNC: this server has followed or been a master. */
  #resumable = false;
  #loading = false;
  #cron: TimerHandle | null = null;
  #getAckScheduled = false;
  #lastPingMs: number;
  #withoutReplicasSinceMs: number | null = null;
  #stopped = false;
  /** Told when the link is made or closed: faults may want to cut it. */
  onLink: (link: ReplicaLink | null) => void = () => undefined;
  /** Told whenever something happened that may have brought this server in sync. */
  onProgress: () => void = () => undefined;
  /** Seconds since 1970 of the last save, or of the start. */
  lastSaveS: number;
  syncFull = 0;
  syncPartialOk = 0;
  syncPartialErr = 0;

  /** @param store where SAVE puts the dataset */
  constructor(
    private readonly core: ServerCore,
    private readonly store: RdbStore,
  ) {
    const { clock, random, config } = core;
    this.settings = new ReplicationSettings(config, () => core.port);
    this.replicas = new Replicas(clock);
    this.out = new StreamOut(freshHistory(random.hex(40)), (bytes) => this.#deliver(bytes));
    this.#lastPingMs = clock.now();
    this.lastSaveS = Math.floor(clock.epoch() / 1000);
    this.applier = new StreamApplier(clock, {
      run: (argv) => this.#run(argv),
      applied: (bytes) => {
        this.out.forward(bytes);
        this.onProgress();
      },
      ackAsked: () => this.#link?.ack(this.out.offset),
      broken: (reason) => {
        core.log("warning", `the stream of the master is broken: ${reason}`);
        this.#link?.break(false);
      },
    });
  }

  get role(): "master" | "replica" {
    return this.#link ? "replica" : "master";
  }

  get link(): ReplicaLink | null {
    return this.#link;
  }

  get feeding(): boolean {
    return this.out.active && this.#link === null;
  }

  get loading(): boolean {
    return this.#loading;
  }

  get connectedReplicas(): number {
    return this.replicas.size;
  }

  /** The stream's offset: on a replica what it has applied. */
  get offset(): number {
    return this.out.offset;
  }

  feed(db: number, argv: readonly Bytes[]): void {
    this.out.feed(db, argv);
  }

  refusal(_client: Client, bits: number): ErrorReply | null {
    const { settings } = this;
    const link = this.#link;
    if ((bits & Flag.write) !== 0) {
      if (!link && settings.minReplicas > 0 && this.replicas.countGood(settings.maxLagS) < settings.minReplicas) {
        return errors.noReplicas;
      }
      if (link && settings.readOnly) return errors.readOnly;
    }
    if (link && link.state !== "connected" && (bits & Flag.stale) === 0 && !settings.serveStale)
      return errors.masterDown;
    return null;
  }

  // --- as a master -------------------------------------------------------------------------------------------------

  /** PSYNC, or SYNC with a null request. Answers by itself, in raw bytes. */
  sync(client: Client, request: PsyncRequest | null): Reply {
    const { connection } = client;
    if (!connection || client.isReplica) return NO_REPLY;
    if (this.#link && this.#link.state !== "connected") {
      return new ErrorReply("NOMASTERLINK Can't SYNC while not connected with my master");
    }
    const { history, backlog } = { history: this.out.history, backlog: this.out.backlog };
    const decision = request
      ? decidePsync({ ...history, backlog }, request)
      : ({ kind: "full", reason: "asked" } as const);
    if (decision.kind === "continue") {
      this.core.log("notice", "Partial resynchronization request accepted.");
      this.syncPartialOk++;
      connection.write(`+CONTINUE ${history.replid}\r\n`);
      connection.write(this.out.from(decision.from));
      this.#attach(client, "online", decision.from - 1, false);
      return NO_REPLY;
    }
    if (decision.reason !== "asked") {
      this.core.log("notice", `Partial resynchronization not possible (${decision.reason})`);
      this.syncPartialErr++;
    }
    this.core.log("notice", "Full resync requested by replica");
    this.#fullSync(client, request === null);
    return NO_REPLY;
  }

  #fullSync(client: Client, legacy: boolean): void {
    this.syncFull++;
    const { out } = this;
    // Before the first replica nothing was counted, so what is now begins a history of its own.
    if (!out.active) out.activate(this.settings.backlogBytes, this.core.random.hex(40));
    out.flush();
    // A chained replica's stream goes on without a SELECT; a master's begins with one.
    const streamDb = this.#link ? this.core.masterClient.db.index : Math.max(0, out.selected);
    if (!this.#link) out.forgetSelected();
    const { replid, offset } = out;
    const chunks = writeSnapshot(this.core.databases, { replid, offset, streamDb }, this.core.clock.epoch());
    const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const { connection } = client;
    if (!connection) return;
    if (!legacy) connection.write(`+FULLRESYNC ${replid} ${offset}\r\n`);
    connection.write(`$${size}\r\n`);
    for (const chunk of chunks) connection.write(chunk);
    if (this.replicas.introduction(client).rdbOnly) {
      connection.end();
      return;
    }
    const replica = this.#attach(client, "send_bulk", offset, legacy);
    connection.flush();
    const sent = (): void => {
      if (this.replicas.of(client) !== replica) return;
      replica.state = "online";
      replica.ackAtMs = this.core.clock.now();
      this.core.log("notice", `Synchronization with replica ${replica.ip}:${replica.port} succeeded`);
    };
    // The empty write is called back when all that stands before it has been handed to the system.
    connection.stream.write("", sent);
  }

  #attach(client: Client, state: Replica["state"], offset: number, silent: boolean): Replica {
    const replica = this.replicas.attach(client, state, offset, silent);
    this.#withoutReplicasSinceMs = null;
    this.#startCron();
    return replica;
  }

  /** REPLCONF ACK. */
  acknowledged(client: Client, offset: number): void {
    this.replicas.acknowledged(client, offset);
    if (this.#waits.size > 0) this.#serveWaits();
    this.onProgress();
  }

  /** WAIT: parks the client, or answers at once. */
  wait(client: Client, wanted: number, timeoutMs: number): Reply {
    const offset = client.streamOffset;
    const count = this.replicas.countAt(offset);
    if (count >= wanted) return count;
    const reply = client.ctx.block({
      keys: [],
      timeoutMs,
      timeoutReply: () => {
        this.#waits.remove(client);
        return this.replicas.countAt(offset);
      },
      retry: () => null,
    });
    if (reply === NO_REPLY) {
      this.#waits.add(client, offset, wanted);
      this.#askForAcks();
    }
    return reply;
  }

  #serveWaits(): void {
    for (const { client, count } of this.#waits.takeServed((offset) => this.replicas.countAt(offset))) {
      this.core.blocking.unblock(client, count);
    }
  }

  /** Puts one GETACK into the stream, however many ask in this turn. */
  #askForAcks(): void {
    if (this.#getAckScheduled) return;
    this.#getAckScheduled = true;
    process.nextTick(() => {
      this.#getAckScheduled = false;
      if (this.#waits.size > 0 && this.feeding) this.out.feed(-1, GETACK);
    });
  }

  #deliver(bytes: Buffer): void {
    for (const { client } of this.replicas) {
      client.connection?.write(bytes);
      client.connection?.flush();
    }
  }

  /** Closes the replicas' links; they come back and find out how things stand. */
  disconnectReplicas(): void {
    for (const { client } of [...this.replicas]) client.connection?.destroy();
  }

  clientClosed(client: Client): void {
    this.#waits.remove(client);
    if (this.replicas.detach(client) && this.replicas.size === 0) this.#withoutReplicasSinceMs = this.core.clock.now();
  }

  // --- as a replica ------------------------------------------------------------------------------------------------

  /**
   * Follows a master; false if it is the one that is followed already. `atStart`: this server has not written
   * anything itself, so there is nothing to go on from but what a saved file told.
   */
  follow(host: string, port: number, atStart = false): boolean {
    if (this.#link?.host === host && this.#link.port === port) return false;
    const { core } = this;
    if (!this.#link && !atStart) {
      // What this server wrote as a master is what it asks its new master to go on from.
      this.out.flush();
      this.#resumable = true;
      core.resetMasterLink();
      core.unblockAll(errors.unblockedByDemotion);
      core.log("notice", "Before turning into a replica, using my own master parameters to synthesize a cached master");
    }
    // Those who follow this server stay: they are dropped only if the new master is of another history.
    this.#closeLink();
    this.#open(host, port);
    return true;
  }

  /** REPLICAOF NO ONE. */
  promote(): void {
    if (!this.#link) return;
    this.#closeLink();
    this.out.promote(this.core.random.hex(40));
    this.disconnectReplicas();
    this.core.log("notice", "MASTER MODE enabled");
    this.onProgress();
  }

  #open(host: string, port: number): void {
    const { core } = this;
    const link: ReplicaLink = new ReplicaLink(
      host,
      port,
      core.clock,
      core.random,
      this.#handlers(() => link === this.#link),
    );
    this.#link = link;
    this.onLink(link);
    this.#startCron();
    link.open();
  }

  #closeLink(): void {
    const link = this.#link;
    this.#link = null;
    link?.close();
    this.applier.reset();
    this.core.resetMasterLink(this.core.masterClient.db.index);
    this.#loading = false;
    this.onLink(null);
  }

  #handlers(current: () => boolean): LinkHandlers {
    return {
      handshake: () => {
        const { replid, offset } = this.out;
        return this.settings.handshake(this.#resumable ? { replid, offset: offset + 1 } : null);
      },
      timeoutS: () => this.settings.timeoutS,
      syncStarted: () => {
        this.#resumable = false;
        this.disconnectReplicas();
      },
      load: (payload, replid, offset) => this.#load(payload, replid, offset, current),
      resumed: (replid) => {
        if (this.out.resume(replid, this.settings.backlogBytes)) this.disconnectReplicas();
        this.onProgress();
      },
      stream: (chunk) => this.applier.push(chunk),
      lost: () => {
        // The database that the stream has selected outlives the link: a partial resync doesn't repeat it.
        this.applier.reset();
        this.core.resetMasterLink(this.core.masterClient.db.index);
      },
      log: (level, text) => this.core.log(level, text),
    };
  }

  async #load(payload: Buffer, replid: string, offset: number, current: () => boolean): Promise<void> {
    const { core } = this;
    this.#loading = true;
    try {
      const fresh = core.databases.map((db) => core.keyspace.createDatabase(db.index));
      const saved = await readSnapshot(payload, fresh, {
        clock: core.clock,
        dropExpired: false,
        sliceMs: LOAD_SLICE_MS,
      });
      if (!current()) throw new Error("the link was closed meanwhile");
      core.keyspace.replaceAll(fresh);
      this.applier.reset();
      core.resetMasterLink(streamDbOf(saved, core.databases.length));
      this.out.adopt(replid, offset, this.settings.backlogBytes);
      this.#resumable = true;
    } finally {
      if (current()) this.#loading = false;
    }
    this.onProgress();
  }

  #run(argv: readonly Bytes[]): boolean {
    this.core.executeFromMaster(argv);
    return this.core.masterClient.queued !== null;
  }

  // --- saved data --------------------------------------------------------------------------------------------------

  /** SAVE: puts the dataset into the store. */
  saveToStore(): void {
    this.store.write(this.save());
    this.core.effects.totalDirty = 0;
    this.lastSaveS = Math.floor(this.core.clock.epoch() / 1000);
  }

  /** The dataset with its history, as a file. */
  save(): Buffer {
    this.out.flush();
    const streamDb = this.#link ? this.core.masterClient.db.index : Math.max(0, this.out.selected);
    const known = this.out.active || this.#resumable;
    const saved: SavedHistory = { replid: known ? this.out.replid : "", offset: this.out.offset, streamDb };
    return Buffer.concat(writeSnapshot(this.core.databases, saved, this.core.clock.epoch()));
  }

  /** Takes up a saved dataset; before the server listens. A replica goes on in its history, a master begins one that descends from it. */
  async restore(file: Buffer, asReplica: boolean): Promise<void> {
    const { core } = this;
    const fresh = core.databases.map((db) => core.keyspace.createDatabase(db.index));
    const saved = await readSnapshot(file, fresh, {
      clock: core.clock,
      dropExpired: !asReplica,
      sliceMs: Number.POSITIVE_INFINITY,
    });
    core.keyspace.replaceAll(fresh);
    if (saved.replid === "" || saved.offset < 0) return;
    const history: History = { ...freshHistory(saved.replid), offset: saved.offset };
    if (asReplica) {
      this.out.restore(history, this.settings.backlogBytes);
      core.resetMasterLink(streamDbOf(saved, core.databases.length));
      this.#resumable = true;
    } else {
      this.out.restore(promoted(history, this.out.replid), this.settings.backlogBytes);
      this.#withoutReplicasSinceMs = core.clock.now();
    }
  }

  /** DEBUG DIGEST. */
  digest(): string {
    return digestDatabases(this.core.databases);
  }

  // --- time --------------------------------------------------------------------------------------------------------

  #startCron(): void {
    if (this.#cron || this.#stopped) return;
    this.#cron = this.core.clock.setTimer(() => {
      this.#cron = null;
      this.#tick();
      if (this.#link || this.out.active) this.#startCron();
    }, 1000);
  }

  #tick(): void {
    const { settings, replicas, out } = this;
    const nowMs = this.core.clock.now();
    if (this.#link) {
      this.#link.tick();
      this.#link.ack(out.offset);
    } else if (replicas.size > 0 && nowMs - this.#lastPingMs >= settings.pingPeriodS * 1000 - 500) {
      this.#lastPingMs = nowMs;
      out.feed(-1, PING);
    }
    for (const { client, ip, port } of replicas.timedOut(settings.timeoutS)) {
      this.core.log("warning", `Disconnecting timedout replica (streaming sync): ${ip}:${port}`);
      client.connection?.destroy();
    }
    const sinceMs = this.#withoutReplicasSinceMs;
    const ttlMs = settings.backlogTtlS * 1000;
    if (!this.#link && out.active && replicas.size === 0 && sinceMs !== null && ttlMs > 0 && nowMs - sinceMs > ttlMs) {
      out.release(this.core.random.hex(40));
    }
  }

  configChanged(names: readonly string[]): void {
    if (names.includes("repl-backlog-size")) this.out.resize(this.settings.backlogBytes);
  }

  /** Ends the link and every timer; with `save` the dataset goes into the store first. */
  shutdown(save: boolean): void {
    if (this.#stopped) return;
    if (save) this.saveToStore();
    this.#stopped = true;
    this.core.clock.clearTimer(this.#cron);
    this.#cron = null;
    this.out.flush();
    this.#link?.close();
    this.applier.reset();
  }

  /** As kill -9: the master sees the link reset, nothing is saved. */
  crash(): void {
    this.#link?.close(true);
    this.shutdown(false);
  }

  // --- what is shown -----------------------------------------------------------------------------------------------

  infoReplication(): readonly string[] {
    const { settings } = this;
    return replicationInfo({
      history: this.out.history,
      link: this.#link ? this.#linkInfo(this.#link) : null,
      replicas: this.replicas.describe(),
      goodReplicas: settings.minReplicas > 0 ? this.replicas.countGood(settings.maxLagS) : null,
      failoverState: "no-failover",
      backlog: this.out.backlog,
      backlogSize: settings.backlogBytes,
    });
  }

  #linkInfo(link: ReplicaLink): LinkInfo {
    const { settings, core } = this;
    const nowMs = core.clock.now();
    const seconds = (sinceMs: number): number => Math.floor((nowMs - sinceMs) / 1000);
    return {
      host: link.host,
      port: link.port,
      state: link.state,
      lastIoS: link.state === "connected" ? seconds(link.lastIoMs) : -1,
      readOffset: this.out.offset + this.applier.behind,
      applied: this.out.offset,
      downSinceS: link.downSinceMs === null ? -1 : seconds(link.downSinceMs),
      sync: link.sync && { ...link.sync, lastIoS: seconds(link.lastIoMs) },
      priority: settings.priority,
      readOnly: settings.readOnly,
      announced: settings.announced,
    };
  }

  infoPersistence(): readonly string[] {
    return [
      `loading:${this.#loading ? 1 : 0}`,
      "async_loading:0",
      "current_cow_peak:0",
      "current_cow_size:0",
      "current_cow_size_age:0",
      "current_fork_perc:0.00",
      "current_save_keys_processed:0",
      "current_save_keys_total:0",
      `rdb_changes_since_last_save:${this.core.effects.totalDirty}`,
      "rdb_bgsave_in_progress:0",
      `rdb_last_save_time:${this.lastSaveS}`,
      "rdb_last_bgsave_status:ok",
      "rdb_last_bgsave_time_sec:-1",
      "rdb_current_bgsave_time_sec:-1",
      "rdb_saves:0",
      "rdb_last_cow_size:0",
      "rdb_last_load_keys_expired:0",
      "rdb_last_load_keys_loaded:0",
      "aof_enabled:0",
      "aof_rewrite_in_progress:0",
      "aof_rewrite_scheduled:0",
      "aof_last_rewrite_time_sec:-1",
      "aof_current_rewrite_time_sec:-1",
      "aof_last_bgrewrite_status:ok",
      "aof_last_write_status:ok",
      "aof_last_cow_size:0",
      "module_fork_in_progress:0",
      "module_fork_last_cow_size:0",
    ];
  }
}

/** The database that the stream after a file has selected. */
function streamDbOf({ streamDb }: SavedHistory, databases: number): number {
  return streamDb >= 0 && streamDb < databases ? streamDb : 0;
}
