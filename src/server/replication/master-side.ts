import { NO_REPLID } from "../../protocol/psync.js";
import { type Bytes, ErrorReply, NO_REPLY, type Reply } from "../../protocol/resp/reply.js";
import type { Client } from "../dispatch/client.js";
import type { ServerCore } from "../server-core.js";
import { feedReplica } from "./feeding.js";
import { FullSync } from "./full-sync.js";
import type { History } from "./history.js";
import { ReplicaOutputLimit } from "./output-limit.js";
import { decidePsync, type FullReason, type PsyncRequest } from "./psync-decision.js";
import { type Replica, Replicas } from "./replicas.js";
import type { ReplicationSettings } from "./settings.js";
import type { StreamOut } from "./stream-out.js";
import { Waits } from "./waits.js";

const GETACK: readonly Bytes[] = ["REPLCONF", "GETACK", "*"];
const PING: readonly Bytes[] = ["PING"];

/** What the master's side must know of the rest of its server. */
export interface MasterSideContext {
  readonly core: ServerCore;
  readonly settings: ReplicationSettings;
  readonly out: StreamOut;
  /** State of the own link; null on a master. */
  linkState(): "connected" | "down" | null;
  /** True while a failover waits: a PING would move the offset that the target has to reach. */
  quiet(): boolean;
  /** A replica has attached. */
  attached(): void;
}

/** The replicas of a server: takes them in, gives them the dataset and the stream, and knows how far they are. */
export class MasterSide {
  readonly replicas: Replicas;
  readonly #fullSyncs: FullSync;
  readonly #outputLimit: ReplicaOutputLimit;
  readonly #waits = new Waits();
  #getAckScheduled = false;
  #lastPingMs: number;
  #withoutReplicasSinceMs: number | null = null;
  syncFull = 0;
  syncPartialOk = 0;
  syncPartialErr = 0;

  constructor(private readonly context: MasterSideContext) {
    const { clock } = context.core;
    this.replicas = new Replicas(clock);
    this.#outputLimit = new ReplicaOutputLimit(context.core, context.settings, context.out);
    this.#fullSyncs = new FullSync({
      core: context.core,
      settings: context.settings,
      out: context.out,
      replicas: this.replicas,
      feed: (replica, from) => this.#feed(replica, from),
      isReplica: () => context.linkState() !== null,
    });
    this.#lastPingMs = clock.now();
  }

  /** CONFIG RESETSTAT. */
  resetStats(): void {
    this.syncFull = this.syncPartialOk = this.syncPartialErr = 0;
  }

  /** PSYNC, or SYNC with a null request. Answers by itself, in raw bytes. */
  sync(client: Client, request: PsyncRequest | null): Reply {
    const { out, core } = this.context;
    const { connection } = client;
    if (!connection || client.isReplica) return NO_REPLY;
    if (this.context.linkState() === "down") {
      return new ErrorReply("NOMASTERLINK Can't SYNC while not connected with my master");
    }
    const { history, backlog } = out;
    const name = this.replicas.nameOf(client);
    core.log("notice", `Replica ${name} asks for synchronization`);
    const decision = request
      ? decidePsync({ ...history, backlog }, request)
      : ({ kind: "full", reason: "asked" } as const);
    if (decision.kind === "continue") {
      this.syncPartialOk++;
      // An older replica takes the name of another history for a part of the stream.
      connection.write(
        this.replicas.introduction(client).capaPsync2 ? `+CONTINUE ${history.replid}\r\n` : "+CONTINUE\r\n",
      );
      core.log(
        "notice",
        `Partial resynchronization request from ${name} accepted. Sending ${out.offset + 1 - decision.from} bytes of backlog starting from offset ${decision.from}.`,
      );
      this.#feed(this.#attach(client, "online", decision.from - 1, false), decision.from);
      return NO_REPLY;
    }
    if (request) logFullResync(core, name, request, history, decision.reason);
    if (decision.reason !== "asked") this.syncPartialErr++;
    this.#fullSync(client, request === null);
    return NO_REPLY;
  }

  #fullSync(client: Client, legacy: boolean): void {
    const { out, core, settings } = this.context;
    this.syncFull++;
    // Before the first replica nothing was counted, so what is now begins a history of its own.
    if (!out.active) {
      out.activate(settings.backlogBytes, core.random.hex(40));
      core.log("notice", `Replication backlog created, my new replication IDs are '${out.replid}' and '${NO_REPLID}'`);
    }
    this.#fullSyncs.request(this.#attach(client, "wait_bgsave", 0, legacy));
  }

  #attach(client: Client, state: Replica["state"], offset: number, silent: boolean): Replica {
    const replica = this.replicas.attach(client, state, offset, silent);
    if (this.context.core.config.flag("repl-disable-tcp-nodelay")) client.connection?.gatherSmallPackets();
    this.#withoutReplicasSinceMs = null;
    this.context.attached();
    return replica;
  }

  /** REPLCONF ACK. */
  acknowledged(client: Client, offset: number): void {
    this.replicas.acknowledged(client, offset);
    const replica = this.replicas.of(client);
    if (replica) this.#fullSyncs.acknowledged(replica);
    if (this.#waits.size === 0) return;
    for (const served of this.#waits.takeServed((wanted) => this.replicas.countAt(wanted))) {
      this.context.core.blocking.unblock(served.client, served.count);
    }
  }

  /** WAIT: parks the client, or answers at once. Refers to the offset after the client's last command, as 7.0 does. */
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

  /** Puts one GETACK into the stream, however many ask in this turn. */
  #askForAcks(): void {
    if (this.#getAckScheduled) return;
    this.#getAckScheduled = true;
    process.nextTick(() => {
      this.#getAckScheduled = false;
      this.#feedGetAck();
    });
  }

  /** Not while writes are paused: the question would move the offset. It is asked when the pause is over. */
  #feedGetAck(): void {
    const { core, out } = this.context;
    if (this.#waits.size === 0 || this.context.linkState() !== null) return;
    if (core.pause.mode === null) out.feed(-1, GETACK);
    else {
      this.#getAckScheduled = true;
      core.pause.whenOver(() => {
        this.#getAckScheduled = false;
        this.#feedGetAck();
      });
    }
  }

  /** Gives every replica what it has not got, as far as it takes it. */
  deliver(): void {
    for (const replica of this.replicas) {
      feedReplica(this.context.out, replica);
      this.#outputLimit.check(replica);
    }
    this.#keepWanted();
  }

  /** A replica is given the stream: from `from` on, or from where it is. */
  #feed(replica: Replica, from: number | null): void {
    if (from !== null) replica.next = from;
    feedReplica(this.context.out, replica);
    this.#keepWanted();
  }

  /** What the slowest replica still has to get stays in the backlog, whatever its size. */
  #keepWanted(): void {
    let wanted = Number.POSITIVE_INFINITY;
    for (const { next } of this.replicas) if (next !== null && next < wanted) wanted = next;
    this.context.out.keepFrom(wanted);
  }

  /** Closes the replicas' links; they come back and find out how things stand. */
  disconnect(): void {
    for (const { client } of [...this.replicas]) client.connection?.destroy();
  }

  /** A connection is gone. */
  closed(client: Client): void {
    this.#waits.remove(client);
    const replica = this.replicas.of(client);
    if (!replica) return;
    this.replicas.detach(client);
    this.#fullSyncs.closed(replica);
    this.#keepWanted();
    if (this.replicas.size === 0) this.beginTtl();
  }

  /** There is a backlog and nobody who reads it: repl-backlog-ttl runs. */
  beginTtl(): void {
    this.#withoutReplicasSinceMs = this.context.core.clock.now();
  }

  /** Once a second: PING, repl-timeout, repl-backlog-ttl. */
  tick(): void {
    const { core, settings, out } = this.context;
    const isMaster = this.context.linkState() === null;
    const nowMs = core.clock.now();
    // Half a second of grace: the timer comes once a second, and not to the millisecond.
    if (
      isMaster &&
      !this.context.quiet() &&
      this.replicas.size > 0 &&
      nowMs - this.#lastPingMs >= settings.pingPeriodS * 1000 - 500
    ) {
      this.#lastPingMs = nowMs;
      out.feed(-1, PING);
    }
    this.#fullSyncs.tick();
    this.deliver();
    for (const { client, ip, port } of this.replicas.timedOut(settings.timeoutS)) {
      core.log("warning", `Disconnecting timedout replica (streaming sync): ${ip}:${port}`);
      client.connection?.destroy();
    }
    const sinceMs = this.#withoutReplicasSinceMs;
    const ttlMs = settings.backlogTtlS * 1000;
    if (isMaster && this.replicas.size === 0 && sinceMs !== null && ttlMs > 0 && nowMs - sinceMs > ttlMs) {
      this.#withoutReplicasSinceMs = null;
      out.release(core.random.hex(40));
      core.log("notice", `Replication backlog freed after ${settings.backlogTtlS} seconds without connected replicas.`);
    }
  }
}

/** Says why a replica has to be given everything, in Redis's words. */
function logFullResync(
  core: ServerCore,
  name: string,
  { replid, offset }: PsyncRequest,
  history: History,
  reason: FullReason,
): void {
  const refused = "Partial resynchronization not accepted:";
  const { replid2, secondReplOffset } = history;
  switch (reason) {
    case "asked":
      return core.log("notice", `Full resync requested by replica ${name}`);
    case "unknownHistory":
      return core.log(
        "notice",
        `${refused} Replication ID mismatch (Replica asked for '${replid}', my replication IDs are '${history.replid}' and '${replid2 ?? NO_REPLID}')`,
      );
    case "beyondSecondOffset":
      return core.log(
        "notice",
        `${refused} Requested offset for second ID was ${offset}, but I can reply up to ${secondReplOffset}`,
      );
    case "noBacklog":
    case "notInBacklog":
      core.log(
        "notice",
        `Unable to partial resync with replica ${name} for lack of backlog (Replica request was: ${offset}).`,
      );
      if (offset > history.offset) {
        core.log(
          "warning",
          `Warning: replica ${name} tried to PSYNC with an offset that is greater than the master replication offset.`,
        );
      }
  }
}
