import type { Clock } from "../../core/clock.js";
import type { Client } from "../dispatch/client.js";
import type { ReplicaSync } from "./full-sync.js";
import type { AttachedReplica } from "./info.js";

/** What a peer said of itself by REPLCONF, before PSYNC. */
export interface Introduction {
  listeningPort: number;
  announceIp: string | null;
  /** It reads payloads that end with a mark. */
  capaEof: boolean;
  /** It takes a new name of the history with +CONTINUE. */
  capaPsync2: boolean;
  /** It wants the payload and no stream (`redis-cli --rdb`). */
  rdbOnly: boolean;
  /** What the payload is to leave out (`rdb-filter-only`, as `redis-cli --functions-rdb` asks). */
  withoutData: boolean;
  withoutFunctions: boolean;
}

const UNKNOWN: Introduction = {
  listeningPort: 0,
  announceIp: null,
  capaEof: false,
  capaPsync2: false,
  rdbOnly: false,
  withoutData: false,
  withoutFunctions: false,
};

/** A replica that is attached to this server. */
export interface Replica {
  readonly client: Client;
  readonly ip: string;
  readonly port: number;
  state: AttachedReplica["state"];
  ackOffset: number;
  /** Offset of the next byte of the stream for it; null while it is given none. */
  next: number | null;
  /** Of the clock. */
  ackAtMs: number;
  /** It came by SYNC and never acknowledges: no timeout, no lag. */
  readonly silent: boolean;
  /** Its full sync; null where it is fed with the stream. */
  sync: ReplicaSync | null;
  /** Of the clock: since when it is beyond its soft output limit; null if it is not. */
  softLimitSinceMs: number | null;
}

/** The replicas that are attached, in the order they came. */
export class Replicas {
  readonly #introductions = new WeakMap<Client, Introduction>();
  readonly #replicas = new Map<Client, Replica>();

  constructor(private readonly clock: Clock) {}

  get size(): number {
    return this.#replicas.size;
  }

  [Symbol.iterator](): IterableIterator<Replica> {
    return this.#replicas.values();
  }

  of(client: Client): Replica | undefined {
    return this.#replicas.get(client);
  }

  introduction(client: Client): Introduction {
    let known = this.#introductions.get(client);
    if (!known) this.#introductions.set(client, (known = { ...UNKNOWN }));
    return known;
  }

  /** How the log names a replica. */
  nameOf(client: Client): string {
    const { listeningPort } = this.introduction(client);
    return `${this.#addressOf(client)}:${listeningPort > 0 ? listeningPort : "<unknown-replica-port>"}`;
  }

  #addressOf(client: Client): string {
    const { announceIp } = this.introduction(client);
    return announceIp ?? (client.connection?.endpoints.peer.host ?? "").replace(/^::ffff:/, "");
  }

  attach(client: Client, state: Replica["state"], offset: number, silent = false): Replica {
    const { listeningPort } = this.introduction(client);
    const replica: Replica = {
      client,
      ip: this.#addressOf(client),
      port: listeningPort,
      state,
      ackOffset: offset,
      ackAtMs: this.clock.now(),
      silent,
      next: null,
      sync: null,
      softLimitSinceMs: null,
    };
    client.isReplica = true;
    this.#replicas.set(client, replica);
    return replica;
  }

  detach(client: Client): boolean {
    return this.#replicas.delete(client);
  }

  /** Offset that `client`'s replica has applied. */
  acknowledged(client: Client, offset: number): void {
    const replica = this.#replicas.get(client);
    if (!replica) return;
    if (offset > replica.ackOffset) replica.ackOffset = offset;
    replica.ackAtMs = this.clock.now();
  }

  /** Online replicas that have acknowledged `offset`. */
  countAt(offset: number): number {
    let count = 0;
    for (const replica of this) if (replica.state === "online" && replica.ackOffset >= offset) count++;
    return count;
  }

  /** Online replicas whose last ACK is at most `maxLagS` seconds old. */
  countGood(maxLagS: number): number {
    let count = 0;
    for (const replica of this) if (replica.state === "online" && this.#lagS(replica) <= maxLagS) count++;
    return count;
  }

  /** Replicas that have been silent for more than `timeoutS` seconds. */
  timedOut(timeoutS: number): Replica[] {
    return [...this].filter(
      (replica) => !replica.silent && replica.state === "online" && this.#lagS(replica) > timeoutS,
    );
  }

  describe(): AttachedReplica[] {
    return [...this].map((replica) => {
      const { ip, port, state, ackOffset, silent } = replica;
      return { ip, port, state, ackOffset, lagS: silent ? 0 : this.#lagS(replica) };
    });
  }

  #lagS(replica: Replica): number {
    return Math.floor((this.clock.now() - replica.ackAtMs) / 1000);
  }
}
