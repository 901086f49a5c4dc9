import type { TimerHandle } from "../../core/clock.js";
import type { Bytes, ErrorReply, Reply } from "../../protocol/resp/reply.js";
import type { Client } from "../dispatch/client.js";
import { TO_AOF, TO_REPLICAS } from "../dispatch/effects.js";
import { errors } from "../dispatch/errors.js";
import { Flag } from "../dispatch/flags.js";
import type { ReplicationHooks } from "../dispatch/hooks.js";
import { digestDatabases } from "../rdb/digest-databases.js";
import { persistenceInfo } from "../rdb/info.js";
import { Saver } from "../rdb/saver.js";
import type { SavedHistory } from "../rdb/snapshot.js";
import type { RdbStore } from "../rdb/store.js";
import type { ServerCore } from "../server-core.js";
import type { StreamApplier } from "./applier.js";
import { Failover, type FailoverRequest } from "./failover.js";
import { freshHistory, type History, promoted } from "./history.js";
import { replicationInfo } from "./info.js";
import type { ReplicaLink } from "./link.js";
import { MasterSide } from "./master-side.js";
import type { PsyncRequest } from "./psync-decision.js";
import { ReplicaSide } from "./replica-side.js";
import type { Replicas } from "./replicas.js";
import { ReplicationSettings } from "./settings.js";
import type { StreamGate } from "./stream-gate.js";
import { StreamOut, type StreamState } from "./stream-out.js";

/**
 * One server's part in replication, whichever role it plays: joins the two sides, keeps the time of both, and is what the
 * core asks. Decisions are made in the pure modules beside; this carries them out.
 */
export class Replication implements ReplicationHooks {
  readonly out: StreamOut;
  readonly settings: ReplicationSettings;
  readonly #replicaSide: ReplicaSide;
  readonly #masterSide: MasterSide;
  readonly #failover: Failover;
  #cron: TimerHandle | null = null;
  #stopped = false;
  #standsStill = false;
  /** Told when a link to a master was made or closed: faults may want to cut it. */
  onLink: () => void = () => undefined;
  /** Told whenever something happened that may have brought this server in sync. */
  onProgress: () => void = () => undefined;
  /** SAVE, BGSAVE, save points. */
  readonly saver: Saver;

  /** @param store where SAVE puts the dataset */
  constructor(
    private readonly core: ServerCore,
    store: RdbStore,
  ) {
    this.saver = new Saver(core, store, () => this.#savedHistory());
    core.saver = this.saver;
    const settings = new ReplicationSettings(core.config, () =>
      core.config.flag("tls-replication") && core.tlsPort !== 0 ? core.tlsPort : core.port || core.tlsPort,
    );
    const out = new StreamOut(freshHistory(core.random.hex(40)), (bytes) => {
      this.#masterSide.deliver();
      if (this.onStream !== null) this.onStream(bytes);
    });
    this.settings = settings;
    this.out = out;
    this.#replicaSide = new ReplicaSide({
      core,
      settings,
      out,
      disconnectReplicas: () => this.#masterSide.disconnect(),
      linkChanged: () => {
        this.#startCron();
        this.onLink();
        this.onProgress();
      },
      progress: () => this.onProgress(),
    });
    this.#masterSide = new MasterSide({
      core,
      settings,
      out,
      linkState: () => this.link && (this.link.state === "connected" ? "connected" : "down"),
      attached: () => this.#startCron(),
      quiet: () => this.#failover.state !== "no-failover",
    });
    this.#failover = new Failover({
      core,
      replicas: () => this.replicas,
      offset: () => out.offset,
      handOver: (host, port, done) => this.#replicaSide.handOver(host, port, done),
      takeBack: () => this.promote(),
    });
  }

  get role(): "master" | "replica" {
    return this.link ? "replica" : "master";
  }

  /** The link to the master; null on a master. */
  get link(): ReplicaLink | null {
    return this.#replicaSide.link;
  }

  /** Told of the bytes that this server hands on; the offset is that behind them then. */
  onStream: ((bytes: Buffer) => void) | null = null;

  /** Begins to count and to feed the stream, as the first replica makes a master do. */
  activate(): void {
    if (!this.out.active) this.out.activate(this.settings.backlogBytes, this.core.random.hex(40));
  }

  /** What holds the master's stream back on its way in. */
  set gate(gate: StreamGate | null) {
    this.#replicaSide.gate = gate;
  }

  get applier(): StreamApplier {
    return this.#replicaSide.applier;
  }

  get replicas(): Replicas {
    return this.#masterSide.replicas;
  }

  get feeding(): boolean {
    return this.core.appending || (this.out.active && this.link === null);
  }

  get loading(): boolean {
    return this.core.loader.loading;
  }

  get connectedReplicas(): number {
    return this.replicas.size;
  }

  /** The stream's offset: on a replica what it has applied. */
  get offset(): number {
    return this.out.offset;
  }

  get backlogBytes(): number {
    return this.out.backlog?.length ?? 0;
  }

  get syncFull(): number {
    return this.#masterSide.syncFull;
  }

  get syncPartialOk(): number {
    return this.#masterSide.syncPartialOk;
  }

  get syncPartialErr(): number {
    return this.#masterSide.syncPartialErr;
  }

  resetStats(): void {
    this.#masterSide.resetStats();
  }

  feed(db: number, argv: readonly Bytes[], targets = TO_AOF | TO_REPLICAS): void {
    if (this.core.appending && (targets & TO_AOF) !== 0) this.core.aof?.feed(db, argv);
    if (this.link === null && (targets & TO_REPLICAS) !== 0) this.out.feed(db, argv);
  }

  refusal(_client: Client, bits: number): ErrorReply | null {
    const { settings, link } = this;
    if ((bits & (Flag.write | Flag.tellsDisk)) !== 0) {
      if (this.saver.refusesWrites) return errors.misconf;
      if (this.core.appending && this.core.aof?.refusal) return this.core.aof.refusal;
    }
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

  /** PSYNC, or SYNC with a null request. */
  sync(client: Client, request: PsyncRequest | null): Reply {
    return this.#masterSide.sync(client, request);
  }

  /** REPLCONF ACK. */
  acknowledged(client: Client, offset: number): void {
    this.#masterSide.acknowledged(client, offset);
    this.#failover.check();
    this.onProgress();
  }

  /** WAIT. */
  wait(client: Client, wanted: number, timeoutMs: number): Reply {
    return this.#masterSide.wait(client, wanted, timeoutMs);
  }

  /** REPLICAOF host port; false if that master is followed already. `atStart`: before this server has written anything. */
  follow(host: string, port: number, atStart = false): boolean {
    return this.#replicaSide.follow(host, port, atStart);
  }

  /** FAILOVER; an error says why it can't begin. */
  failover(request: FailoverRequest): ErrorReply | null {
    return this.#failover.start(request);
  }

  /** FAILOVER ABORT; false if there is nothing to abort. */
  abortFailover(): boolean {
    return this.#failover.abort("Failover manually aborted");
  }

  get failoverState(): Failover["state"] {
    return this.#failover.state;
  }

  /** Tells the master at once how far this server is. */
  tellOffset(): void {
    this.link?.ack(this.out.offset);
  }

  /** REPLICAOF NO ONE. `by`: at whose wish, for the log. */
  promote(by = "user request"): void {
    if (!this.#replicaSide.leave()) return;
    const { replid } = this.out;
    this.out.promote(this.core.random.hex(40));
    this.core.log(
      "warning",
      `Setting secondary replication ID to ${replid}, valid up to offset: ${this.out.offset + 1}. New replication ID is ${this.out.replid}`,
    );
    this.#masterSide.disconnect();
    this.#masterSide.beginTtl();
    this.core.log("notice", `MASTER MODE enabled (${by})`);
    this.onProgress();
  }

  dropMaster(): void {
    this.#replicaSide.drop();
  }

  changeReplId(): void {
    this.out.rename(this.core.random.hex(40));
  }

  standStill(on: boolean): void {
    this.#standsStill = on;
    this.#replicaSide.standStill(on);
  }

  clientClosed(client: Client): void {
    this.#masterSide.closed(client);
  }

  configChanged(names: readonly string[]): void {
    this.saver.configChanged(names);
    if (names.includes("repl-backlog-size")) this.out.resize(this.settings.backlogBytes);
    if (names.includes("replica-read-only")) this.#replicaSide.allowOwnExpiry();
  }

  /** What a file that is written now says of the history its data belongs to. */
  #savedHistory(): SavedHistory {
    this.out.flush();
    const streamDb = this.link ? this.core.masterClient.db.index : Math.max(0, this.out.selected);
    const named = this.out.active || this.#replicaSide.resumable;
    return { replid: named ? this.out.replid : "", offset: this.out.offset, streamDb };
  }

  /** Takes up a saved dataset, at the start. A replica goes on in its history, a master begins one that descends from it. */
  async restore(file: Buffer, asReplica: boolean): Promise<void> {
    const { core, settings } = this;
    const dropped: (readonly [db: number, key: Bytes])[] = [];
    const { history: saved } = await core.loader.load(file, {
      dropExpired: !asReplica,
      dropped: (db, key) => dropped.push([db, key]),
      empty: "last",
    });
    if (saved.replid === "" || saved.offset < 0) return;
    const history: History = { ...freshHistory(saved.replid), offset: saved.offset };
    if (asReplica) {
      this.out.restore(history, settings.backlogBytes);
      this.#replicaSide.resumeFrom(saved);
    } else {
      this.out.restore(promoted(history, this.out.replid), settings.backlogBytes);
      // Replicas that resume have these keys still.
      const del = core.keyspace.deletion;
      for (const [db, key] of dropped) this.out.feed(db, [del, key]);
      this.#masterSide.beginTtl();
      this.#startCron();
    }
  }

  /**
   * Becomes a master with this dataset and this stream; `streamDb` is what a stream that goes on from here has selected. To
   * follow a master from here on, see {@link follow}.
   */
  takeUp(file: Buffer, stream: StreamState, streamDb: number): void {
    this.#replicaSide.leave();
    this.#masterSide.disconnect();
    this.saver.cancel();
    this.core.loader.loadNow(file, "replaceAll", false);
    this.out.takeUp(stream, this.settings.backlogBytes);
    this.#replicaSide.resumeFrom({ replid: stream.history.replid, offset: stream.history.offset, streamDb });
    if (this.out.active) this.#startCron();
    this.onProgress();
  }

  /** DEBUG DIGEST. */
  digest(): string {
    return digestDatabases(this.core.databases);
  }

  /** Ends the link and every timer; with `save` the dataset goes into the store first. */
  shutdown(save: boolean): void {
    if (this.#stopped) return;
    this.saver.cancel();
    if (save) this.saver.save();
    this.#end(false);
  }

  /** As kill -9: the master sees the link reset, nothing is saved. */
  crash(): void {
    this.#end(true);
  }

  #end(reset: boolean): void {
    this.#stopped = true;
    this.saver.stop();
    this.core.clock.clearTimer(this.#cron);
    this.#cron = null;
    this.out.flush();
    this.#replicaSide.stop(reset);
  }

  #startCron(): void {
    if (this.#cron || this.#stopped) return;
    this.#cron = this.core.clock.setTimer(() => {
      this.#cron = null;
      if (!this.#standsStill) this.#tick();
      if (this.link || this.out.active) this.#startCron();
    }, 1000);
  }

  #tick(): void {
    this.#failover.check();
    this.#replicaSide.tick();
    this.#masterSide.tick();
  }

  infoReplication(): readonly string[] {
    const { settings, replicas, out } = this;
    return replicationInfo({
      history: out.history,
      link: this.#replicaSide.describe(),
      replicas: replicas.describe(),
      goodReplicas: settings.minReplicas > 0 ? replicas.countGood(settings.maxLagS) : null,
      failoverState: this.#failover.state,
      backlog: out.backlog,
      backlogSize: settings.backlogBytes,
    });
  }

  infoPersistence(): readonly string[] {
    return persistenceInfo(this.core, this.saver);
  }
}
