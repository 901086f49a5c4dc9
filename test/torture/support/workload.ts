import type { Random } from "../../../src/core/random.js";
import type { ReplicatedClient, ReplicatedSession, TopologyEvent } from "../../../src/index.js";
import type { Holdings } from "./holdings.js";
import { type Caller, type Keys, Recorder } from "./recorder.js";

/** A client and what the history calls it. */
export interface Named {
  readonly name: string;
  readonly client: ReplicatedClient;
}

const BOUNDS_MS = [400, 800];
const WANDERERS = 4;
const ACK_MS = 100;

/** Calls of every kind, from all clients, until it is stopped; each loop makes one call after another. */
export class Workload {
  readonly recorder: Recorder;
  readonly #loops: Promise<void>[] = [];
  readonly #ends: (() => void)[] = [];
  #stopped = false;

  constructor(
    private readonly clients: readonly Named[],
    private readonly keys: Keys,
    private readonly random: Random,
    /** Milliseconds between two calls of a loop, on average. */
    private readonly paceMs: number,
    /** How many there are. */
    private readonly replicas: number,
    private readonly holdings: Holdings,
  ) {
    this.recorder = new Recorder(keys);
  }

  start(): void {
    const { recorder } = this;
    for (const { name, client } of this.clients) {
      const listener = (event: TopologyEvent): void => {
        recorder.event(name, event);
        if (event.type === "masterChanged") this.holdings.came(name, event.to);
      };
      client.on("topology", listener);
      this.#ends.push(() => client.off("topology", listener));
      const caller = (session: string, promise: Caller["promise"], more: object = {}): Caller => {
        return { client: name, session: `${name}:${session}`, promise, ...more };
      };
      for (const loop of ["a", "b"]) this.#loop(() => this.#step(client, caller(loop, "session")));
      for (const maxStalenessMs of BOUNDS_MS) {
        const fresh = client.with({ consistency: "eventual", maxStalenessMs });
        const bounded = caller(`within ${maxStalenessMs}`, "eventual", { maxStalenessMs });
        this.#loop(() => this.#reads(fresh, bounded));
      }
      const strong = client.with({ consistency: "strong" });
      this.#loop(() => this.#step(strong, caller("strong", "strong")));
      const eventual = client.with({ consistency: "eventual" });
      this.#loop(() => this.#reads(eventual, caller("eventual", "eventual")));
      for (const copies of [1, this.replicas]) {
        const durable = client.with({ ack: { replicas: copies, timeoutMs: ACK_MS } });
        this.#loop(() => this.#writes(durable, caller(`durable ${copies}`, "session", { confirmedBy: copies })));
      }
      this.#loop(() => recorder.increment(client, name));
      this.#loop(() => recorder.pop(client, name));
      this.#loop(() => recorder.offer(client, name));
    }
    for (let i = 0; i < WANDERERS; i++) this.#wander(`causal${i}`);
  }

  /** No further call is made; resolves when all have settled, or not in `limitMs`: then false. */
  async stop(limitMs: number): Promise<boolean> {
    this.#stopped = true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => (timer = setTimeout(resolve, limitMs, false)));
    const settled = await Promise.race([Promise.all(this.#loops).then(() => true as const), late]);
    clearTimeout(timer);
    for (const end of this.#ends) end();
    return settled;
  }

  #loop(call: () => Promise<void>): void {
    const run = async (): Promise<void> => {
      while (!this.#stopped) {
        await this.recorder.tracked(call);
        await new Promise((resolve) => setTimeout(resolve, this.random.next() * 2 * this.paceMs));
      }
    };
    this.#loops.push(run());
  }

  /** A causal session that goes from process to process with nothing but its token. */
  #wander(name: string): void {
    let at = this.clients[this.random.int(this.clients.length)] as Named;
    let session: ReplicatedSession = at.client.session();
    this.#loop(async () => {
      const caller: Caller = { client: at.name, session: name, promise: "causal" };
      if (this.random.next() < 0.1) {
        const token = await session.token().catch((error: Error & { code?: string }) => {
          if (error.code === "IOREPLICA_WRITES_LOST") this.recorder.told(caller);
          return null;
        });
        if (token === null) return;
        at = this.clients[this.random.int(this.clients.length)] as Named;
        session = at.client.session(token, { onInvalid: "throw" });
        return;
      }
      await this.#step(session, caller);
    });
  }

  async #step(on: ReplicatedClient, caller: Caller): Promise<void> {
    await (this.random.next() < 0.4 ? this.#writes(on, caller) : this.#reads(on, caller));
  }

  async #reads(on: ReplicatedClient, caller: Caller): Promise<void> {
    const { shared, own } = this.keys;
    if (this.random.next() < 0.3)
      await this.recorder.readAll(on, caller, [this.#one(shared), this.#one(own), this.#one(shared)]);
    else await this.recorder.read(on, caller, this.#one(this.random.next() < 0.6 ? shared : own));
  }

  async #writes(on: ReplicatedClient, caller: Caller): Promise<void> {
    const { shared, own } = this.keys;
    const chance = this.random.next();
    if (chance < 0.3) await this.recorder.share(on, caller, this.#one(shared), "multi");
    else if (chance < 0.4)
      await this.recorder.shareAndRead(on, caller, this.#one(shared), [
        this.#one(shared),
        this.#one(own),
        this.#one(shared),
      ]);
    else if (chance < 0.6) await this.recorder.share(on, caller, this.#one(shared), "eval");
    else if (chance < 0.9) await this.recorder.push(on, caller, this.#one(own));
    else await this.recorder.pushAll(on, caller, [this.#one(own), this.#one(own), this.#one(own)]);
  }

  #one(keys: readonly string[]): string {
    return keys[this.random.int(keys.length)] as string;
  }
}
