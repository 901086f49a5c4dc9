import type { ChainableCommander, Redis } from "ioredis";
import type { TopologyEvent } from "../../../src/index.js";
import type { Counter, Loss, Operation, PromiseLevel } from "../../checker/history.js";
import { Queue } from "./queue.js";

/** Who calls, and what it was promised. */
export interface Caller {
  readonly client: string;
  readonly session: string;
  readonly promise: PromiseLevel;
  readonly maxStalenessMs?: number;
  /** How many replicas have to confirm its writes. */
  readonly confirmedBy?: number;
}

/** The longest time in which none of a kind of calls succeeded. */
export class Gap {
  longestMs = 0;
  #last = performance.now();

  success(): void {
    const now = performance.now();
    this.longestMs = Math.max(this.longestMs, now - this.#last);
    this.#last = now;
  }
}

/** What a pipeline's commands came back with, in their order. */
type Results = readonly (readonly [error: Error | null, reply: unknown])[];

/** What faults bring to callers: by what was called and the code, or the server's own words. */
const EXPECTED = [
  / IOREPLICA_(UNKNOWN_OUTCOME|WRITES_LOST|NOT_REPLICATED)$/,
  // Of a script that was refused nobody knows whether it had written before; it is never sent again.
  /^eval (READONLY|NOREPLICAS|LOADING|MASTERDOWN|BUSY) /,
  // Refused, and not sent again because a later write of the same key went through, or may have.
  /^multi EXECABORT Transaction discarded /,
];
const KEYS = 6;
/** Seconds that a blocking pop waits. */
const BLOCKED_S = 1;
const now = (): number => performance.now();

/** The keys of one round, so that a round's history starts from nothing. */
export class Keys {
  readonly order: string;
  /** Written together with {@link order}, which tells the order of all their writes. */
  readonly shared: readonly string[];
  /** Lists that are written alone: each is the order of its own writes. */
  readonly own: readonly string[];

  constructor(readonly prefix: string) {
    this.order = `${prefix}order`;
    this.shared = Array.from({ length: KEYS }, (_, i) => `${prefix}s${i}`);
    this.own = Array.from({ length: KEYS }, (_, i) => `${prefix}o${i}`);
  }

  counter(client: string): string {
    return `${this.prefix}counter:${client}`;
  }

  queue(client: string): string {
    return `${this.prefix}queue:${client}`;
  }
}

/** What was called in one round and what came of it. */
export class Recorder {
  readonly operations: Operation[] = [];
  readonly losses: Loss[] = [];
  readonly counters = new Map<string, { ok: number; unknown: number }>();
  /** By client. */
  readonly queues = new Map<string, Queue>();
  /** Writes that so many replicas had confirmed when they succeeded. */
  readonly confirmed: { readonly write: Operation; readonly by: number }[] = [];
  /** Rejections, by what was called and the code. */
  readonly rejected = new Map<string, number>();
  /** Calls that failed and were not told of a loss. */
  failedReads = 0;
  /** Calls that have not settled. */
  pending = 0;
  readonly gaps = { reads: new Map<string, Gap>(), writes: new Map<string, Gap>() };
  #values = 0;

  constructor(readonly keys: Keys) {}

  event(client: string, event: TopologyEvent): void {
    if (event.type === "writesLost")
      this.losses.push({ client, at: now(), keys: event.keys, keysComplete: event.keysComplete, max: event.count.max });
    // Of whatever was there: nobody knows what of it is left.
    if (event.type === "historyReset")
      this.losses.push({ client, at: now(), keys: [], keysComplete: false, max: Number.POSITIVE_INFINITY });
  }

  /** A write of a shared key: as a transaction or as a script. */
  async share(on: Redis, caller: Caller, key: string, by: "multi" | "eval"): Promise<void> {
    await this.#write(caller, key, by, async (value) => {
      if (by === "eval") {
        const script = "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('RPUSH', KEYS[2], ARGV[1])";
        await on.eval(script, 2, key, this.keys.order, value);
        return;
      }
      const results = await on.multi().set(key, value).rpush(this.keys.order, value).exec();
      const error = results === null ? new Error("EXEC answered nil") : results.find(([one]) => one !== null)?.[0];
      if (error) throw error;
    });
  }

  /** A write of a list, alone. */
  async push(on: Redis, caller: Caller, key: string): Promise<void> {
    await this.#write(caller, key, "rpush", (value) => on.rpush(key, value));
  }

  /** Writes of lists in one pipeline. */
  async pushAll(on: Redis, caller: Caller, keys: readonly string[]): Promise<void> {
    const pipeline = on.pipeline();
    const writes = keys.map((key) => ({ key, value: this.#value(key) }));
    for (const { key, value } of writes) pipeline.rpush(key, value);
    const invoked = now();
    const results: Results = (await pipeline.exec()) ?? [];
    for (const [i, { key, value }] of writes.entries()) {
      const error = results[i]?.[0] ?? null;
      const outcome = error === null ? "ok" : this.#reject("pipeline", error);
      this.#note(caller, key, value, invoked, outcome, error === null);
    }
  }

  /** A write of a shared key, and reads behind it, in one pipeline. */
  async shareAndRead(on: Redis, caller: Caller, key: string, read: readonly string[]): Promise<void> {
    const value = this.#value(key);
    const pipeline = on.pipeline().call("MULTI").set(key, value).rpush(this.keys.order, value).call("EXEC");
    this.#ask(pipeline, read);
    const invoked = now();
    const results = (await pipeline.exec()) ?? [];
    const [error, replies] = results[results.length - read.length - 1] ?? [new Error("no answer"), null];
    const refused = error ?? (Array.isArray(replies) ? replies.find((one) => one instanceof Error) : new Error("nil"));
    const outcome = refused ? this.#reject("multi", refused) : "ok";
    this.#note(caller, key, value, invoked, outcome, !refused);
    this.#noteReads(caller, read, results.slice(-read.length), invoked);
  }

  /** A read of one key. */
  async read(on: Redis, caller: Caller, key: string): Promise<void> {
    const invoked = now();
    const reply = this.#isShared(key) ? on.get(key) : on.lindex(key, -1);
    const result = await reply.then(
      (saw) => [null, saw] as const,
      (error: Error) => [error, null] as const,
    );
    this.#noteReads(caller, [key], [result], invoked);
  }

  /** Reads in one pipeline: one unit, served by one node. */
  async readAll(on: Redis, caller: Caller, keys: readonly string[]): Promise<void> {
    const pipeline = on.pipeline();
    this.#ask(pipeline, keys);
    const invoked = now();
    this.#noteReads(caller, keys, (await pipeline.exec()) ?? [], invoked);
  }

  async increment(on: Redis, client: string): Promise<void> {
    let counter = this.counters.get(client);
    if (counter === undefined) this.counters.set(client, (counter = { ok: 0, unknown: 0 }));
    try {
      await on.incr(this.keys.counter(client));
      counter.ok++;
      this.#succeeded("writes", client);
    } catch (error) {
      if (this.#reject("incr", error as Error) !== "fail") counter.unknown++;
    }
  }

  /** Rejections that no fault explains. */
  unexpected(): string[] {
    return [...this.rejected.keys()].filter((name) => !this.#isExpected(name));
  }

  /** Puts an element into the client's queue. */
  async offer(on: Redis, client: string): Promise<void> {
    const key = this.keys.queue(client);
    const value = this.#value(key);
    let outcome: Operation["outcome"] = "ok";
    try {
      await on.lpush(key, value);
    } catch (error) {
      outcome = this.#reject("offer", error as Error);
    }
    if (outcome !== "fail") this.#queue(client).offer(value, outcome === "ok" ? "ok" : "info");
  }

  /** Takes one out of it, and waits for it. */
  async pop(on: Redis, client: string): Promise<void> {
    try {
      const taken = await on.blpop(this.keys.queue(client), BLOCKED_S);
      if (taken !== null) this.#queue(client).pop(taken[1]);
    } catch (error) {
      if (this.#reject("pop", error as Error) !== "fail") this.#queue(client).unknownPop();
    }
  }

  /** Whether a client was told of a loss that this key may have a part in. */
  wasTold(client: string, key: string): boolean {
    return this.losses.some((one) => one.client === client && (!one.keysComplete || one.keys.includes(key)));
  }

  /** The session was told of a loss by something that is no read and no write. */
  told(caller: Caller): void {
    const key = this.keys.order;
    this.operations.push({ kind: "read", ...caller, key, invoked: now(), returned: now(), outcome: "told" });
  }

  /** One call: it is pending until it settles. */
  async tracked(call: () => Promise<void>): Promise<void> {
    this.pending++;
    try {
      await call();
    } finally {
      this.pending--;
    }
  }

  finals(final: (key: string) => number): Counter[] {
    return [...this.counters].map(([name, { ok, unknown }]) => ({
      name,
      final: final(this.keys.counter(name)),
      ok,
      unknown,
    }));
  }

  #value(key: string): string {
    return `${key}#${++this.#values}`;
  }

  #isShared(key: string): boolean {
    return this.keys.shared.includes(key);
  }

  #ask(pipeline: ChainableCommander, keys: readonly string[]): void {
    for (const key of keys) void (this.#isShared(key) ? pipeline.get(key) : pipeline.lindex(key, -1));
  }

  async #write(caller: Caller, key: string, what: string, call: (value: string) => Promise<unknown>): Promise<void> {
    const value = this.#value(key);
    const invoked = now();
    let outcome: Operation["outcome"] = "ok";
    let resolved = true;
    try {
      await call(value);
    } catch (error) {
      resolved = false;
      outcome = this.#reject(what, error as Error);
    }
    this.#note(caller, key, value, invoked, outcome, resolved);
  }

  #note(
    { confirmedBy, ...caller }: Caller,
    key: string,
    value: string,
    invoked: number,
    outcome: Operation["outcome"],
    resolved: boolean,
  ): void {
    if (outcome === "ok") this.#succeeded("writes", caller.client);
    const write: Operation = { kind: "append", ...caller, key, value, invoked, returned: now(), outcome };
    this.operations.push(write);
    if (resolved && confirmedBy !== undefined) this.confirmed.push({ write, by: confirmedBy });
  }

  #queue(client: string): Queue {
    let queue = this.queues.get(client);
    if (queue === undefined) this.queues.set(client, (queue = new Queue()));
    return queue;
  }

  #noteReads({ confirmedBy, ...caller }: Caller, keys: readonly string[], results: Results, invoked: number): void {
    const returned = now();
    for (const [i, key] of keys.entries()) {
      const [error, saw] = results[i] ?? [new Error("no answer"), null];
      let outcome: Operation["outcome"] = "ok";
      if (error === null) this.#succeeded("reads", caller.client);
      else {
        outcome = this.#reject("read", error);
        if (!this.#isExpected(nameOf("read", error))) this.failedReads++;
      }
      const read = { kind: "read", ...caller, key, saw: saw as string | null, invoked, returned, outcome } as const;
      this.operations.push(read);
    }
  }

  #isExpected(name: string): boolean {
    return EXPECTED.some((pattern) => pattern.test(name));
  }

  #succeeded(kind: "reads" | "writes", client: string): void {
    let gap = this.gaps[kind].get(client);
    if (gap === undefined) this.gaps[kind].set(client, (gap = new Gap()));
    gap.success();
  }

  #reject(what: string, error: Error & { code?: string; sent?: string }): Operation["outcome"] {
    const { code, sent } = error;
    const name = nameOf(what, error);
    this.rejected.set(name, (this.rejected.get(name) ?? 0) + 1);
    if (code === "IOREPLICA_WRITES_LOST") return "told";
    // Applied on the master; the replicas asked for did not confirm it in time.
    if (code === "IOREPLICA_NOT_REPLICATED") return "ok";
    return sent === "no" || error.message.startsWith("EXECABORT") ? "fail" : "info";
  }
}

function nameOf(what: string, { code, message }: Error & { code?: string }): string {
  return `${what} ${code?.startsWith("IOREPLICA") ? code : message}`;
}
