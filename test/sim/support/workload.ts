import type { Clock } from "../../../src/core/clock.js";
import { deferred } from "../../../src/core/deferred.js";
import type { ReplicatedClient, ReplicatedSession, TopologyEvent } from "../../../src/index.js";
import type { Loss, Operation, PromiseLevel, Succession } from "../../checker/history.js";
import type { Arrival, Sign } from "./office.js";
import { outcomeOf, outcomeOfOne } from "./outcome.js";
import { readTogether } from "./pipelines.js";
import { HOSTS, portOf, type World } from "./world.js";

const KEYS = ["a", "b", "c", "d", "e"];
/** The list that gives all writes their order. */
export const ORDER = "order";
const BOUND_MS = 300;
/** Begins the names of the lists of durable writes. */
const DURABLE = "durable:";
/** A key that is set, not appended to. */
const REGISTER = "register";
/** The name of a key that nobody has: two of them are more than one write to a socket carries. */
const JUNK = "x".repeat(40_000);

/**
 * What is done beside the rest. `bulk`: flushes larger than one write to a socket carries, all the time. `readers`: each key
 * is read all the time. `fresh`: by those, too, who only ask that it is not too old. `pipelines`: causal sessions read
 * several keys in one unit, behind a write of the first that nobody has waited for, or of their own accord.
 */
export type Mix = "bulk" | "readers" | "fresh" | "pipelines";

/** What a run has recorded. */
export interface Recording {
  readonly operations: Operation[];
  readonly losses: Loss[];
  readonly successions: Succession[];
  readonly events: Map<string, number>;
  /** What happened when, for a person who looks into a seed. */
  readonly log: string[];
  /** Writes of one key of each client, issued without a pause: judged by that key alone. */
  readonly bursts: Operation[];
  /** What each client learned of who says that it is master. */
  readonly signs: Sign[];
  /** Where the value of each write came to. */
  readonly arrivals: Map<string, Arrival[]>;
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
    successions: [],
    events: new Map(),
    log: [],
    bursts: [],
    signs: [],
    arrivals: new Map(),
    pending: 0,
    increments: { ok: 0, unknown: 0 },
  };
  #stopped = false;
  #values = 0;
  /** The server that each durable write came to last. */
  readonly #durables = new Map<string, number>();
  #clock: Clock;

  constructor(
    private readonly world: World,
    private readonly mix: Mix | null = null,
  ) {
    this.#clock = world.clock;
  }

  /** Begins; each client gets a writer and readers of its own, and two causal sessions wander between all clients. */
  start(clients: readonly ReplicatedClient[]): void {
    this.#watch();
    for (const [place, client] of clients.entries()) {
      const name = `client${place}`;
      const { random } = this.world;
      this.#clock = this.world.clocks[place] ?? this.world.clock;
      client.on("topology", (event: TopologyEvent) => this.#event(name, event));
      this.#loop(async () => this.#step(client, name, `${name}:session`, "session"));
      this.#loop(async () =>
        this.#read(client.with({ maxStalenessMs: BOUND_MS }), name, `${name}:fresh`, "session", BOUND_MS),
      );
      this.#loop(async () => this.#increment(client));
      const strong = client.with({ consistency: "strong" });
      this.#loop(async () => this.#read(strong, name, `${name}:strong`, "strong"));
      if (this.mix === "bulk") this.#loop(async () => this.#bulk(client, name), 10);
      if (this.mix === "readers")
        for (const key of KEYS)
          this.#loop(async () => this.#read(client, name, `${name}:reads`, "session", undefined, key), 10);
      if (this.mix === "fresh") {
        const fresh = client.with({ consistency: "eventual", maxStalenessMs: BOUND_MS });
        this.#loop(async () => this.#read(fresh, name, `${name}:eventual`, "eventual", BOUND_MS));
      }
      if (this.mix === "pipelines") {
        const causal = client.session();
        this.#loop(async () => this.#append(client, name, `${name}:writes`, "session"), 12);
        this.#loop(async () => this.#together(client, causal, name), 15);
      }
      this.#loop(async () => {
        const turn = random.next();
        if (turn < 0.3) await this.#hasty(client, name);
        else if (turn < 0.5) await this.#bulk(client, name);
        else if (turn < 0.7) await this.#burst(client, name);
        else if (turn < 0.85) await this.#copy(client, name);
        else await this.#durable(client, name);
      }, 100);
    }
    this.#clock = this.world.clock;
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
    this.#sign(client, event, at);
    recording.log.push(`${at.toFixed(1)} ${client} ${JSON.stringify(told)} ${topology.state}`);
    if (event.type === "masterChanged") recording.successions.push({ client, at, ...this.#left(event.from, event.to) });
    if (event.type === "writesLost")
      recording.losses.push({ client, at, keys: event.keys, keysComplete: event.keysComplete, max: event.count.max });
    // Of whatever was there: nobody knows what of it is left.
    if (event.type === "historyReset")
      recording.losses.push({ client, at, keys: [], keysComplete: false, max: Number.POSITIVE_INFINITY });
  }

  /** What an event says of who claims to be master, and of whether that is still undecided. */
  #sign(client: string, event: TopologyEvent, at: number): void {
    const { signs } = this.recording;
    const elsewhere = (sign: Sign): boolean =>
      event.type === "splitBrain" ||
      event.type === "failoverStarted" ||
      (event.type === "nodeHealth" && serverOf(event.node) !== sign.server);
    for (const sign of signs)
      if (sign.client === client && sign.until === Number.POSITIVE_INFINITY && !elsewhere(sign)) sign.until = at;
    if (event.type !== "roleChanged" || event.to !== "master") return;
    const server = serverOf(event.node);
    const data = this.world.servers[server]?.snapshot().state?.file;
    const has = (value: string): boolean => data?.includes(value) === true;
    signs.push({ client, at, server, until: Number.POSITIVE_INFINITY, has });
  }

  /** What a client leaves behind that goes from one master to another. */
  #left(from: string | null, to: string): Pick<Succession, "lacks"> {
    const [former, present] = [from === null ? -1 : serverOf(from), serverOf(to)];
    // Looked at from outside, as it is now.
    const data = this.world.servers[present]?.snapshot().state?.file;
    if (former < 0 || former === present || data === undefined) return {};
    const lacks = (value: string): boolean => {
      const came = (this.recording.arrivals.get(value) ?? []).map(({ server }) => server);
      return came.includes(former) && !came.includes(present) && !data.includes(value);
    };
    return { lacks };
  }

  /** One call after another, with gaps. */
  #loop(call: () => Promise<void>, mostMs = 40): void {
    const { random } = this.world;
    // Of its client's process: while that stands still it asks for nothing.
    const clock = this.#clock;
    const again = (): void => {
      clock.setTimer(() => {
        if (this.#stopped) return;
        this.recording.pending++;
        void call().finally(() => {
          this.recording.pending--;
          again();
        });
      }, random.next() * mostMs);
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

  #value(key: string): string {
    return `${key}${++this.#values}.`;
  }

  /** Sees where the values of writes come to, and changes nothing. */
  #watch(): void {
    const { world, recording } = this;
    for (const [place, server] of world.servers.entries())
      server.faults.swallow({
        commands: ["rpush"],
        where: ({ args: [, key, value] }) => {
          const arrivals = recording.arrivals.get(value ?? "");
          const arrival = { server: place, at: world.clock.now() };
          if (key?.startsWith(DURABLE)) this.#durables.set(value ?? "", place);
          if (key === ORDER && arrivals === undefined) recording.arrivals.set(value ?? "", [arrival]);
          else if (key === ORDER) arrivals?.push(arrival);
          return false;
        },
      });
  }

  async #append(
    on: ReplicatedClient,
    client: string,
    session: string,
    promise: PromiseLevel,
    key = this.#key(),
    value = this.#value(key),
  ): Promise<void> {
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
    key = this.#key(),
    after?: readonly string[],
  ): Promise<void> {
    const base = { kind: "read" as const, client, session, promise, key, ...(after ? { after } : {}) };
    const bound = maxStalenessMs === undefined ? {} : { maxStalenessMs };
    const invoked = this.world.clock.now();
    let values: string[] = [];
    let outcome: Operation["outcome"] = "ok";
    try {
      values =
        this.world.random.next() < 0.1
          ? // The same list by a command of which it isn't known what it reads.
            ((await on.call("SORT_RO", key, "BY", "nosort", "GET", "#")) as string[])
          : await on.lrange(key, 0, -1);
    } catch (error) {
      outcome = outcomeOf(error as Error);
    }
    this.recording.operations.push({ ...base, ...bound, values, invoked, returned: this.world.clock.now(), outcome });
  }

  /** Reads what was written, without having waited for it. */
  async #hasty(on: ReplicatedClient, client: string): Promise<void> {
    const key = this.#key();
    const value = this.#value(key);
    const session = `${client}:hasty`;
    await Promise.all([
      this.#append(on, client, `${session}-writes`, "session", key, value),
      this.#read(on, client, session, "session", undefined, key, [value]),
    ]);
  }

  /** Reads several keys in one pipeline, the first of them often behind a write of it, or all behind one in front of them. */
  async #together(on: ReplicatedClient, causal: ReplicatedSession, client: string): Promise<void> {
    const keys = [this.#key(), this.#key(), this.#key()] as const;
    const session = `${client}:pipelines`;
    const chance = this.world.random.next();
    const written = chance < 0.5 ? this.#value(keys[0]) : null;
    const [, , key] = keys;
    const reads = {
      ...{ client, session, promise: "causal" as const, keys, ...(written ? { after: [written] } : {}) },
      ...(chance < 0.75 ? {} : { write: { key, order: ORDER, value: this.#value(key) } }),
    };
    const writing = written && this.#append(on, client, `${session}-writes`, "session", keys[0], written);
    this.recording.operations.push(...(await readTogether(causal, reads, () => this.world.clock.now())));
    await writing;
  }

  /** Reads in front of and behind more bytes than one write to a socket carries. */
  async #bulk(on: ReplicatedClient, client: string): Promise<void> {
    const session = `${client}:bulk`;
    const junk = (): Promise<unknown> => on.exists(JUNK).catch(() => undefined);
    await Promise.all([
      this.#read(on, client, session, "session"),
      junk(),
      junk(),
      this.#read(on, client, session, "session"),
    ]);
  }

  /** Writes of one key, none of them waited for: in this order or not at all. */
  async #burst(on: ReplicatedClient, client: string): Promise<void> {
    const key = `burst:${client}`;
    const base = { kind: "append" as const, client, session: key, promise: "session" as const, key };
    const write = async (): Promise<Operation> => {
      const value = this.#value("w");
      const invoked = this.world.clock.now();
      const outcome = await on.rpush(key, value).then(() => "ok" as const, outcomeOfOne);
      return { ...base, value, invoked, returned: this.world.clock.now(), outcome };
    };
    const writes: Promise<Operation>[] = [];
    for (let left = 5; left > 0; left--) {
      writes.push(write());
      if (this.world.random.next() < 0.5) continue;
      const gap = deferred<void>();
      this.world.clock.setTimer(() => gap.resolve(), this.world.random.next() * 4);
      await gap.promise;
    }
    for (const one of await Promise.all(writes)) this.recording.bursts.push(one);
  }

  /** Sets one key by a command of which it isn't known what it writes, or reads it, by one that may write. */
  async #copy(on: ReplicatedClient, client: string): Promise<void> {
    const base = { client, session: `${client}:copy`, promise: "session" as const, key: REGISTER };
    const invoked = this.world.clock.now();
    const record = (one: Pick<Operation, "kind" | "outcome"> & Partial<Operation>): void =>
      void this.recording.operations.push({ ...base, invoked, returned: this.world.clock.now(), ...one });
    if (this.world.random.next() < 0.5) {
      const getting = this.world.random.next() < 0.5 ? on.get(REGISTER) : on.getex(REGISTER);
      await getting.then(
        (saw) => record({ kind: "read", saw, outcome: "ok" }),
        (error: Error) => record({ kind: "read", outcome: outcomeOf(error) }),
      );
      return;
    }
    const value = this.#value("r");
    const unit = on.multi().set(`${REGISTER}:new`, value).copy(`${REGISTER}:new`, REGISTER, "DB", 0, "REPLACE");
    await unit
      .rpush(ORDER, value)
      .exec()
      .then(
        (results) =>
          record({
            kind: "append",
            value,
            outcome: results === null || results.some(([error]) => error !== null) ? "fail" : "ok",
          }),
        (error: Error) => record({ kind: "append", value, outcome: outcomeOf(error) }),
      );
  }

  /** A write that a replica must have before it succeeds: looked for there in the very moment. */
  async #durable(on: ReplicatedClient, client: string): Promise<void> {
    const { world } = this;
    const key = `${DURABLE}${client}`;
    const value = this.#value("d");
    const base = { kind: "append" as const, client, session: key, promise: "session" as const, key, value };
    const invoked = world.clock.now();
    const wanted = 1;
    const view = on.with({ ack: { replicas: wanted, timeoutMs: 200 } });
    const write = world.random.next() < 0.5 ? view.rpush(key, value) : view.multi().rpush(key, value).exec();
    const outcome = await write.then((reply) => (Array.isArray(reply) && reply[0]?.[0] ? "fail" : "ok"), outcomeOfOne);
    const master = this.#durables.get(value) ?? null;
    const copies = outcome === "ok" ? { copies: { wanted, holders: world.holders(value), master } } : {};
    this.recording.bursts.push({ ...base, invoked, returned: world.clock.now(), outcome, ...copies });
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

/** The place of the server that has this name; -1 = none. */
function serverOf(node: string): number {
  return HOSTS.findIndex((host) => node === `${host}:${portOf(host)}`);
}
