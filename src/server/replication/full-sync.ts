import type { SnapshotJob, SnapshotSink } from "../rdb/snapshots.js";
import type { ServerCore } from "../server-core.js";
import type { Introduction, Replica, Replicas } from "./replicas.js";
import type { ReplicationSettings } from "./settings.js";
import type { StreamOut } from "./stream-out.js";
import { StuckReplicas } from "./stuck-replicas.js";

/** Bytes that may wait for one replica before no more of a payload is made: it is streamed as fast as the slowest reads. */
const STREAMED_AHEAD = 1024 * 1024;

/** The filter of those who want everything. */
const WHOLE = filterOf({ withoutData: false, withoutFunctions: false });

/** What full syncs must know of the rest of their server. */
export interface FullSyncContext {
  readonly core: ServerCore;
  readonly settings: ReplicationSettings;
  readonly out: StreamOut;
  readonly replicas: Replicas;
  /** Gives a replica the stream: from `from` on (not before its payload is out), or, with null, from where it is. */
  feed(replica: Replica, from: number | null): void;
  /** Whether this server follows another one. */
  isReplica(): boolean;
}

/** How far the full sync of a replica is. */
export interface ReplicaSync {
  /** `waiting` for a payload to be begun; it is `making`; it was `sent`, and the replica must take it in first. */
  phase: "waiting" | "making" | "sent";
  readonly sinceMs: number;
}

/** A payload that is being made, and for whom. */
interface Payload {
  readonly members: Set<Replica>;
  readonly filter: string;
  readonly replid: string;
  readonly offset: number;
  /** Sent as it is made, with a mark at its end; else it is sent when its length is known. */
  readonly straight: string | null;
  readonly chunks: Buffer[];
  /** It has begun to go out. */
  sending: boolean;
  job: SnapshotJob | null;
  /** Told of it when it is complete: by way of a file it is a save too. */
  readonly save: ((chunks: readonly Buffer[]) => void) | null;
  readonly stuck: StuckReplicas;
}

/**
 * Gives replicas the dataset: `wait_bgsave` until a payload is made for all that wait, `send_bulk` while it goes out,
 * `online` when the stream since its cut follows. One payload at a time; who comes meanwhile shares it if it is one that is
 * sent when it is complete, or waits for the next.
 */
export class FullSync {
  #payload: Payload | null = null;

  constructor(private readonly context: FullSyncContext) {
    context.core.snapshots.onIdle(() => this.#beginNext(false));
  }

  /** A replica that has just been attached needs everything. */
  request(replica: Replica): void {
    const { core, settings, replicas } = this.context;
    replica.sync = { phase: "waiting", sinceMs: core.clock.now() };
    const payload = this.#payload;
    const active = core.snapshots.active;
    if (
      payload !== null &&
      payload.straight === null &&
      payload.members.size > 0 &&
      payload.filter === filterOf(replicas.introduction(replica.client))
    ) {
      this.#announce(replica, payload);
      core.log("notice", "Waiting for end of BGSAVE for SYNC");
    } else if (payload !== null && payload.straight !== null) {
      core.log("notice", "Current BGSAVE has socket target. Waiting for next BGSAVE for SYNC");
    } else if (active !== null) {
      core.log(
        "notice",
        active.kind !== "aof"
          ? "Can't attach the replica to the current BGSAVE. Waiting for next BGSAVE for SYNC"
          : "No BGSAVE in progress, but another BG operation is active. BGSAVE for replication delayed",
      );
    } else if (this.#wouldStream(replica) && settings.disklessDelayS > 0) {
      core.log("notice", "Delay next BGSAVE for diskless SYNC");
      this.#beginNext(false);
    } else this.#beginNext(true);
  }

  /** The first ACK after a streamed payload: the replica has seen its end, and the stream may follow. */
  acknowledged(replica: Replica): void {
    if (replica.sync?.phase === "sent" && replica.state === "online") this.#release(replica);
  }

  /** A replica is gone. */
  closed(replica: Replica): void {
    const payload = this.#payload;
    if (payload === null || !payload.members.delete(replica)) return;
    if (payload.members.size > 0) {
      payload.job?.resume();
      return;
    }
    if (payload.straight !== null) {
      this.context.core.log("warning", "Diskless rdb transfer, last replica dropped, killing fork child.");
    }
    // What the save points may have wanted is written to its end.
    if (payload.save !== null && this.context.core.config.text("save") !== "") return;
    payload.job?.cancel("no replica is left to send it to");
  }

  /** Once a second: signs of life for those who wait, delays that are over, replicas that don't read. */
  tick(): void {
    const { core, replicas, settings } = this.context;
    const payload = this.#payload;
    for (const { client, sync } of replicas) {
      if (sync === null) continue;
      if (sync.phase === "waiting" || (sync.phase === "making" && payload?.straight === null))
        client.connection?.write("\n");
    }
    if (payload !== null && payload.straight !== null) {
      for (const { client } of payload.stuck.look(payload.members, core.clock.now(), settings.timeoutS * 1000)) {
        core.log("warning", `Disconnecting timedout replica (full sync): ${replicas.nameOf(client)}`);
        client.connection?.destroy();
      }
      payload.job?.resume();
    }
    this.#beginNext(false);
  }

  /** Begins a payload for those who wait, if nothing else is being written and (unless `now`) their delay is over. */
  #beginNext(now: boolean): void {
    const { core, settings, replicas } = this.context;
    if (this.#payload !== null || core.snapshots.active !== null) return;
    const waiting = [...replicas].filter((replica) => replica.sync?.phase === "waiting");
    const [first] = waiting;
    if (first === undefined) return;
    const filter = filterOf(replicas.introduction(first.client));
    const together = waiting.filter((replica) => filterOf(replicas.introduction(replica.client)) === filter);
    const straight = together.every((replica) => this.#wouldStream(replica));
    if (!now && straight && settings.disklessDelayS > 0) {
      const { disklessDelayS, disklessMaxReplicas } = settings;
      const waitedMs = core.clock.now() - (first.sync?.sinceMs ?? 0);
      const enough = disklessMaxReplicas > 0 && together.length >= disklessMaxReplicas;
      if (!enough && waitedMs < disklessDelayS * 1000) return;
    }
    this.#begin(together, filter, straight);
  }

  #begin(members: readonly Replica[], filter: string, straight: boolean): void {
    const { core, out, replicas } = this.context;
    core.log("notice", `Starting BGSAVE for SYNC with target: ${straight ? "replicas sockets" : "disk"}`);
    out.flush();
    const isReplica = this.context.isReplica();
    // A chained replica's stream goes on without a SELECT; a master's begins with one.
    const streamDb = isReplica ? core.masterClient.db.index : Math.max(0, out.selected);
    if (!isReplica) out.forgetSelected();
    const { replid, offset } = out;
    const payload: Payload = {
      members: new Set(),
      filter,
      replid,
      offset,
      straight: straight ? core.random.hex(40) : null,
      chunks: [],
      sending: false,
      job: null,
      save: straight || filter !== WHOLE ? null : (core.saver?.shared() ?? null),
      stuck: new StuckReplicas(STREAMED_AHEAD),
    };
    this.#payload = payload;
    for (const replica of members) this.#announce(replica, payload);
    core.log("notice", `Background ${straight ? "RDB transfer" : "saving"} started by pid ${process.pid}`);
    const { withoutData, withoutFunctions } = replicas.introduction((members[0] as Replica).client);
    const options = {
      history: { replid, offset, streamDb },
      functions: withoutFunctions ? [] : (core.functionStore?.dump() ?? []),
      withoutData,
    };
    const sink = this.#sink(payload);
    const job = core.snapshots.start(straight ? "replicas-straight" : "replicas", options, sink);
    if (this.#payload !== payload) return;
    payload.job = job;
    // It was not done in one slice: now is the time to say how it will end, and to send what there is.
    if (payload.straight === null) return;
    payload.sending = true;
    this.#toAll(payload, [Buffer.from(`$EOF:${payload.straight}\r\n`, "latin1"), ...payload.chunks.splice(0)]);
  }

  #sink(payload: Payload): SnapshotSink {
    const { core } = this.context;
    return {
      chunk: (chunk) => {
        if (payload.sending) this.#toAll(payload, [chunk]);
        else payload.chunks.push(chunk);
      },
      ready: () => !payload.sending || this.#haveRoom(payload),
      complete: () => {
        this.#payload = null;
        if (payload.sending) this.#streamed(payload);
        else {
          for (const replica of payload.members) this.#send(replica, payload.chunks);
          payload.save?.(payload.chunks);
        }
      },
      failed: (error) => {
        this.#payload = null;
        if (payload.members.size === 0) return;
        core.log("warning", `SYNC failed. BGSAVE child returned an error: ${error.message}`);
        for (const { client } of [...payload.members]) client.connection?.destroy();
      },
    };
  }

  /** Tells a replica where in the stream its payload stands; what comes behind that is kept for it from now on. */
  #announce(replica: Replica, payload: Payload): void {
    payload.members.add(replica);
    if (!this.context.replicas.introduction(replica.client).rdbOnly) this.context.feed(replica, payload.offset + 1);
    if (replica.sync !== null) replica.sync.phase = "making";
    if (!replica.silent) replica.client.connection?.write(`+FULLRESYNC ${payload.replid} ${payload.offset}\r\n`);
    replica.client.connection?.flush();
  }

  /** Sends a complete payload, with its length; the stream follows when it has left. */
  #send(replica: Replica, chunks: readonly Buffer[]): void {
    const { connection } = replica.client;
    if (!connection) return;
    const { core, replicas } = this.context;
    replica.state = "send_bulk";
    if (replica.sync !== null) replica.sync.phase = "sent";
    connection.write(`$${chunks.reduce((sum, chunk) => sum + chunk.length, 0)}\r\n`);
    for (const chunk of chunks) connection.write(chunk);
    if (replicas.introduction(replica.client).rdbOnly) {
      connection.end();
      return;
    }
    connection.flush();
    // The empty write is called back when all that stands before it has been handed to the system.
    connection.stream.write("", () => {
      if (replicas.of(replica.client) !== replica) return;
      replica.state = "online";
      replica.ackAtMs = core.clock.now();
      this.#release(replica);
      core.log("notice", `Synchronization with replica ${replicas.nameOf(replica.client)} succeeded`);
    });
  }

  /** The end of a streamed payload. What follows waits for the first ACK: a reader of marks must not see more at once. */
  #streamed(payload: Payload): void {
    const { core, replicas } = this.context;
    core.log("warning", `Diskless rdb transfer, done reading from pipe, ${payload.members.size} replicas still up.`);
    core.log("notice", "Background RDB transfer terminated with success");
    this.#toAll(payload, [Buffer.from(payload.straight as string, "latin1")]);
    for (const replica of payload.members) {
      core.log(
        "notice",
        `Streamed RDB transfer with replica ${replicas.nameOf(replica.client)} succeeded (socket). Waiting for REPLCONF ACK from slave to enable streaming`,
      );
      replica.state = "online";
      replica.ackAtMs = core.clock.now();
      if (replica.sync !== null) replica.sync.phase = "sent";
      if (replicas.introduction(replica.client).rdbOnly) replica.client.connection?.end();
    }
  }

  /** The stream since the cut goes out, and from now on as it comes. */
  #release(replica: Replica): void {
    replica.sync = null;
    this.context.feed(replica, null);
  }

  #toAll(payload: Payload, chunks: readonly Buffer[]): void {
    for (const { client } of payload.members) {
      for (const chunk of chunks) client.connection?.write(chunk);
      client.connection?.flush();
    }
  }

  /** Whether every replica can take more; if not, the job goes on when those who can't have read. */
  #haveRoom(payload: Payload): boolean {
    let room = true;
    for (const replica of payload.members) {
      if (!tooFull(replica)) continue;
      room = false;
      replica.client.connection?.stream.once("drain", () => payload.job?.resume());
    }
    return room;
  }

  #wouldStream(replica: Replica): boolean {
    const { settings, replicas } = this.context;
    return settings.diskless && !replica.silent && replicas.introduction(replica.client).capaEof;
  }
}

function tooFull({ client }: Replica): boolean {
  return (client.connection?.backlogBytes ?? 0) > STREAMED_AHEAD;
}

/** Replicas that want different things can't share a payload. */
function filterOf({ withoutData, withoutFunctions }: Pick<Introduction, "withoutData" | "withoutFunctions">): string {
  return `${withoutData} ${withoutFunctions}`;
}
