import type { ReplicatedClient, ReplicatedSession, TopologyEvent } from "../../../src/index.js";
import type { Loss, Operation, PromiseLevel } from "../../checker/history.js";
import type { World } from "./world.js";

const KEYS = ["a", "b", "c", "d", "e"];
/** The list that gives all writes their order. */
export const ORDER = "order";
const BOUND_MS = 300;

/** What a run has recorded. */
export interface Recording {
  readonly operations: Operation[];
  readonly losses: Loss[];
  readonly events: Map<string, number>;
  /** What happened when, for a person who looks into a seed. */
  readonly log: string[];
  /** Calls that have not settled. */
  pending: number;
  /** Increments of the counter: settled well, and of unknown outcome. */
  readonly increments: { ok: number; unknown: number };
}

/** Drives clients of a world with sessions of every level, and records what they saw. */
export class Workload {
  readonly recording: Recording = {
    operations: [],
    losses: [],
    events: new Map(),
    log: [],
    pending: 0,
    increments: { ok: 0, unknown: 0 },
  };
  #stopped = false;
  #values = 0;

  constructor(private readonly world: World) {}

  /** Begins; each client gets a writer and readers of its own, and two causal sessions wander between all clients. */
  start(clients: readonly ReplicatedClient[]): void {
    for (const [place, client] of clients.entries()) {
      const name = `client${place}`;
      client.on("topology", (event: TopologyEvent) => this.#event(name, event));
      this.#loop(async () => this.#step(client, name, `${name}:session`, "session"));
      this.#loop(async () =>
        this.#read(client.with({ maxStalenessMs: BOUND_MS }), name, `${name}:fresh`, "session", BOUND_MS),
      );
      this.#loop(async () => this.#increment(client));
    }
    for (let i = 0; i < 2; i++) this.#wander(clients, `causal${i}`);
  }

  /** No further call is made. */
  stop(): void {
    this.#stopped = true;
  }

  #event(client: string, event: TopologyEvent): void {
    const { recording } = this;
    recording.events.set(event.type, (recording.events.get(event.type) ?? 0) + 1);
    const at = this.world.clock.now();
    const { topology, at: _at, ...told } = event;
    recording.log.push(`${at.toFixed(1)} ${client} ${JSON.stringify(told)} ${topology.state}`);
    if (event.type === "writesLost")
      recording.losses.push({ client, at, keys: event.keys, keysComplete: event.keysComplete, max: event.count.max });
    // Of whatever was there: nobody knows what of it is left.
    if (event.type === "historyReset")
      recording.losses.push({ client, at, keys: [], keysComplete: false, max: Number.POSITIVE_INFINITY });
  }

  /** One call after another, with gaps. */
  #loop(call: () => Promise<void>): void {
    const { clock, random } = this.world;
    const again = (): void => {
      clock.setTimer(() => {
        if (this.#stopped) return;
        this.recording.pending++;
        void call().finally(() => {
          this.recording.pending--;
          again();
        });
      }, random.next() * 40);
    };
    again();
  }

  #wander(clients: readonly ReplicatedClient[], name: string): void {
    const { random } = this.world;
    let place = random.int(clients.length);
    let session: ReplicatedSession = (clients[place] as ReplicatedClient).session();
    this.#loop(async () => {
      if (random.next() < 0.1 && clients.length > 1) {
        // Another process goes on with it, with nothing but the token.
        const token = await session.token().catch((error: Error & { code?: string }) => {
          if (error.code === "IOREPLICA_WRITES_LOST") this.#told(`client${place}`, name);
          return null;
        });
        if (token === null) return;
        place = random.int(clients.length);
        session = (clients[place] as ReplicatedClient).session(token, { onInvalid: "throw" });
      }
      await this.#step(session, `client${place}`, name, "causal");
    });
  }

  async #step(on: ReplicatedClient, client: string, session: string, promise: PromiseLevel): Promise<void> {
    if (this.world.random.next() < 0.4) await this.#append(on, client, session, promise);
    else await this.#read(on, client, session, promise);
  }

  #key(): string {
    return KEYS[this.world.random.int(KEYS.length)] as string;
  }

  async #append(on: ReplicatedClient, client: string, session: string, promise: PromiseLevel): Promise<void> {
    const key = this.#key();
    const value = `${key}${++this.#values}`;
    const base = { kind: "append" as const, client, session, promise, key, value };
    const invoked = this.world.clock.now();
    let outcome: Operation["outcome"] = "ok";
    try {
      const results = await on.multi().rpush(key, value).rpush(ORDER, value).exec();
      if (results === null || results.some(([error]) => error !== null)) outcome = "fail";
    } catch (error) {
      outcome = outcomeOf(error as Error);
    }
    this.recording.operations.push({ ...base, invoked, returned: this.world.clock.now(), outcome });
  }

  async #read(
    on: ReplicatedClient,
    client: string,
    session: string,
    promise: PromiseLevel,
    maxStalenessMs?: number,
  ): Promise<void> {
    const key = this.#key();
    const base = { kind: "read" as const, client, session, promise, key };
    const bound = maxStalenessMs === undefined ? {} : { maxStalenessMs };
    const invoked = this.world.clock.now();
    let values: string[] = [];
    let outcome: Operation["outcome"] = "ok";
    try {
      values = await on.lrange(key, 0, -1);
    } catch (error) {
      outcome = outcomeOf(error as Error);
    }
    this.recording.operations.push({ ...base, ...bound, values, invoked, returned: this.world.clock.now(), outcome });
  }

  async #increment(on: ReplicatedClient): Promise<void> {
    const { increments } = this.recording;
    try {
      await on.incr("counter");
      increments.ok++;
    } catch (error) {
      if (outcomeOf(error as Error) === "info") increments.unknown++;
    }
  }

  #told(client: string, session: string): void {
    const at = this.world.clock.now();
    const base = { kind: "read" as const, client, session, promise: "causal" as const, key: "a" };
    this.recording.operations.push({ ...base, invoked: at, returned: at, outcome: "told" });
  }
}

function outcomeOf(error: Error & { code?: string; sent?: string }): Operation["outcome"] {
  if (error.code === "IOREPLICA_WRITES_LOST") return "told";
  // Not sent, or discarded as a whole. After a refused MULTI the commands behind it ran one by one.
  return error.sent === "no" || error.message.startsWith("EXECABORT") ? "fail" : "info";
}
