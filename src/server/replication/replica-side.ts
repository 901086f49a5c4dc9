import type { Bytes } from "../../protocol/resp/reply.js";
import { errors } from "../dispatch/errors.js";
import { OwnExpiry } from "../keyspace/own-expiry.js";
import { noteLink } from "../net/link-ports.js";
import type { SavedHistory } from "../rdb/snapshot.js";
import type { ServerCore } from "../server-core.js";
import { StreamApplier } from "./applier.js";
import type { LinkInfo } from "./info.js";
import { ReplicaLink } from "./link.js";
import type { LinkHandlers, Origin } from "./link-handlers.js";
import { ReplicaLoad } from "./replica-load.js";
import type { ReplicationSettings } from "./settings.js";
import type { StreamGate } from "./stream-gate.js";
import type { StreamOut } from "./stream-out.js";

/** What the replica's side must know of the rest of its server. */
export interface ReplicaSideContext {
  readonly core: ServerCore;
  readonly settings: ReplicationSettings;
  readonly out: StreamOut;
  /** The own replicas must ask anew: the history changed, or the data will. */
  disconnectReplicas(): void;
  /** The link was made or closed. */
  linkChanged(): void;
  /** Something happened that may have brought this server in sync. */
  progress(): void;
}

/** A server as a replica: keeps the link to its master, loads what it sends, applies its stream. */
export class ReplicaSide {
  readonly applier: StreamApplier;
  /** What holds the stream back before it counts as received; null = nothing. */
  gate: StreamGate | null = null;
  readonly #intake: ReplicaLoad;
  #link: ReplicaLink | null = null;
  /** The own history may be named in PSYNC: this server has followed or been a master. */
  #resumable = false;
  /** Set while the master-to-be is asked to take over: told whether it did. */
  #takeOver: ((taken: boolean) => void) | null = null;

  constructor(private readonly context: ReplicaSideContext) {
    const { core, out } = context;
    this.#intake = new ReplicaLoad(core, context.settings);
    this.applier = new StreamApplier(core.clock, {
      begin: () => core.beginMasterTurn(),
      holds: (argv) => core.pause.mode !== null && core.holdsFromMaster(argv),
      run: (argv) => this.#run(argv),
      applied: (bytes) => {
        out.forward(bytes);
        context.progress();
      },
      ackAsked: () => this.#link?.ack(out.offset),
      broken: (reason) => {
        core.log("warning", `the stream of the master is broken: ${reason}`);
        this.#link?.break(false);
      },
    });
    core.onBusy = (busy) => this.applier.stall(busy);
    core.onMasterResumed = () => this.applier.resume();
  }

  /** Null on a master. */
  get link(): ReplicaLink | null {
    return this.#link;
  }

  get resumable(): boolean {
    return this.#resumable;
  }

  /**
   * Follows a master; false if it is the one that is followed already. `atStart`: this server has not written
   * anything itself, so there is nothing to go on from but what a saved file told.
   */
  follow(host: string, port: number, atStart: boolean): boolean {
    if (this.#link?.host.toLowerCase() === host.toLowerCase() && this.#link.port === port) return false;
    const { core, out } = this.context;
    if (!this.#link && !atStart) {
      // What this server wrote as a master is what it asks its new master to go on from.
      out.flush();
      this.#resumable = true;
      core.resetMasterLink();
      core.unblockAll(errors.unblockedByDemotion);
      core.log("notice", "Before turning into a replica, using my own master parameters to synthesize a cached master");
    }
    // Those who follow this server stay: they are dropped only if the new master is of another history.
    const downSinceMs = this.#link?.state === "connected" ? core.clock.now() : (this.#link?.downSinceMs ?? null);
    this.#close();
    const link: ReplicaLink = new ReplicaLink(
      host,
      port,
      core.clock,
      core.random,
      this.#handlers(() => link === this.#link),
    );
    link.downSinceMs = downSinceMs;
    this.#link = link;
    this.allowOwnExpiry();
    this.context.linkChanged();
    link.open();
    return true;
  }

  /** Follows a replica of this server, which is told to take over; `done` says whether it did. */
  handOver(host: string, port: number, done: (taken: boolean) => void): void {
    this.#takeOver = done;
    this.follow(host, port, false);
  }

  #tookOver(taken: boolean): void {
    const done = this.#takeOver;
    this.#takeOver = null;
    done?.(taken);
  }

  /** Follows nobody any more; false if it did not. */
  leave(): boolean {
    if (!this.#link) return false;
    this.#takeOver = null;
    this.#close();
    this.context.linkChanged();
    return true;
  }

  /** The link is closed and made anew, as CLIENT KILL asks. */
  drop(): void {
    this.#link?.break(false);
  }

  /** DEBUG SLEEP. */
  standStill(on: boolean): void {
    this.#link?.standStill(on);
  }

  /** A replica that clients may write to has keys that its master knows nothing of. */
  allowOwnExpiry(): void {
    const { core, settings } = this.context;
    if (this.#link && !settings.readOnly) core.ownExpiry ??= new OwnExpiry(core);
  }

  /** Ends the link for good, with `reset` as a killed process would. The role stays what it was. */
  stop(reset: boolean): void {
    this.#link?.close(reset);
    this.gate?.reset();
    this.applier.reset();
  }

  /** Once a second: repl-timeout, ACK. */
  tick(): void {
    this.#link?.tick();
    this.#link?.ack(this.context.out.offset);
  }

  /** A saved dataset was taken up whose history the master may know. */
  resumeFrom(saved: SavedHistory): void {
    this.context.core.resetMasterLink(streamDbOf(saved, this.context.core.databases.length));
    this.#resumable = true;
  }

  /** The link as INFO shows it; null on a master. */
  describe(): LinkInfo | null {
    const link = this.#link;
    if (!link) return null;
    const { settings, core, out } = this.context;
    const nowMs = core.clock.now();
    const seconds = (sinceMs: number): number => Math.floor((nowMs - sinceMs) / 1000);
    // Without a history that could be named Redis shows 1.
    const known = this.#resumable || link.state === "connected";
    return {
      host: link.host,
      port: link.port,
      state: link.state,
      lastIoS: link.state === "connected" ? seconds(link.lastIoMs) : -1,
      readOffset: known ? out.offset + this.applier.behind : 1,
      applied: known ? out.offset : 1,
      downSinceS: link.downSinceMs === null ? -1 : seconds(link.downSinceMs),
      sync: link.sync && { ...link.sync, lastIoS: seconds(link.lastIoMs) },
      priority: settings.priority,
      readOnly: settings.readOnly,
      announced: settings.announced,
    };
  }

  #close(): void {
    const link = this.#link;
    this.#link = null;
    link?.close();
    this.#intake.lost();
    this.#forgetStream();
  }

  /** What was not applied is void. The database that the stream has selected stays: a partial resync doesn't repeat it. */
  #forgetStream(): void {
    const { core } = this.context;
    this.gate?.reset();
    this.applier.reset();
    core.resetMasterLink(core.masterClient.db.index);
  }

  #handlers(isCurrent: () => boolean): LinkHandlers {
    const { out, settings, core } = this.context;
    return {
      connect: (host, port) => {
        // Where addresses are made up, this server has one; a machine chooses its own unless it is told.
        const own = core.transport.isPrivate === true ? core.config.text("bind").split(" ")[0] : "";
        const localAddress = core.config.text("bind-source-addr") || own;
        const options = { host, port, ...(localAddress ? { localAddress } : {}) };
        const socket = core.transport.connect(options);
        noteLink(core.transport, socket);
        return core.config.flag("tls-replication") ? core.tls.connect(socket) : socket;
      },
      handshake: () => {
        const { replid, offset } = out;
        return settings.handshake(this.#resumable ? { replid, offset: offset + 1 } : null, this.#takeOver !== null);
      },
      timeoutS: () => settings.timeoutS,
      syncStarted: () => this.#tookOver(true),
      receiving: (total, origin) => this.#intake.begin(total, origin, this.#resumable ? out.replid : null),
      begun: () => this.#intake.note("begun"),
      load: (payload, origin) => {
        // Only now is the past void: had the link broken before, the old history could have been asked for again.
        this.#resumable = false;
        this.context.disconnectReplicas();
        this.#intake.note("complete");
        core.ownExpiry?.stop();
        return this.#load(payload, origin ?? { replid: core.random.hex(40), offset: 0 }, origin !== null, isCurrent);
      },
      linked: (connection) => {
        core.masterLinked(connection);
        if (connection !== null) this.context.progress();
      },
      resumed: (replid) => {
        if (out.resume(replid, settings.backlogBytes)) {
          core.log("warning", `Master replication ID changed to ${out.replid}`);
          this.context.disconnectReplicas();
        }
        this.#tookOver(true);
        this.context.progress();
      },
      stream: (chunk) => (this.gate === null ? this.applier.push(chunk) : this.gate.push(chunk)),
      lost: (refused) => {
        this.#intake.lost();
        this.#forgetStream();
        // A target that can't be reached just now is tried again, until FAILOVER ABORT.
        if (refused) this.#tookOver(false);
      },
      log: (level, text) => core.log(level, text),
    };
  }

  async #load(payload: Buffer, { replid, offset }: Origin, named: boolean, isCurrent: () => boolean): Promise<void> {
    const { out, settings } = this.context;
    const loaded = await this.#intake.load(payload, isCurrent);
    this.gate?.reset();
    this.applier.reset();
    out.adopt(replid, offset, settings.backlogBytes);
    this.resumeFrom(loaded.history);
    this.#resumable = named;
    this.context.core.aof?.restart();
    this.context.progress();
  }

  #run(argv: readonly Bytes[]): boolean {
    this.context.core.executeFromMaster(argv);
    return this.context.core.masterClient.queued !== null;
  }
}

/** The database that the stream after a file has selected. */
function streamDbOf({ streamDb }: SavedHistory, databases: number): number {
  return streamDb >= 0 && streamDb < databases ? streamDb : 0;
}
