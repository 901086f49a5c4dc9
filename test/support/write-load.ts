import { setTimeout as sleep } from "node:timers/promises";
import type { ReplicatedClient, TopologyEvent } from "ioreplica";
import type { PlainReply } from "../../src/cli/processes/resp-call.js";

type Client = Pick<ReplicatedClient, "incr">;
type Outcome = "pending" | "acked" | "unknown" | "failed";
type WritesLost = Extract<TopologyEvent, { type: "writesLost" }>;

/** A server that can be asked what it has. */
interface Witness {
  command(...words: (string | number)[]): Promise<PlainReply>;
}

/** What became of all writes of a load, by the data of the server that is master in the end. */
export interface Verdict {
  readonly issued: number;
  readonly acked: number;
  /** Calls that rejected in any other way than "unknown outcome", by code. */
  readonly errors: readonly string[];
  /** Calls that rejected as of unknown outcome. */
  readonly unknown: number;
  /** Promises that have not settled. */
  readonly pending: number;
  /** Acknowledged, and not there. */
  readonly lost: readonly string[];
  /** There more than once. */
  readonly twice: readonly string[];
  /** There, although the call was rejected as surely not applied. */
  readonly denied: readonly string[];
}

/**
 * Writes whose fate can be told one by one: each is an INCR of a key of its own, so a key that is missing was lost
 * and one that shows 2 was applied twice.
 */
export class WriteLoad {
  readonly #outcomes: Outcome[] = [];
  readonly #codes: string[] = [];
  readonly #calls: Promise<void>[] = [];
  /** Client-side time of each issue and of each acknowledgement (NaN: none), for figures. */
  readonly issuedAt: number[] = [];
  readonly ackedAt: number[] = [];
  #over = false;
  #issuing: Promise<void> | null = null;

  constructor(
    private readonly redis: Client,
    private readonly prefix = "write",
  ) {}

  key(index: number): string {
    return `${this.prefix}:${index}`;
  }

  get issued(): number {
    return this.#outcomes.length;
  }

  get acked(): number {
    return this.#count("acked");
  }

  get unknown(): number {
    return this.#count("unknown");
  }

  get pending(): number {
    return this.#count("pending");
  }

  /** Issues one write now. */
  issue(): void {
    const index = this.#outcomes.push("pending") - 1;
    this.issuedAt.push(performance.now());
    this.ackedAt.push(Number.NaN);
    const call = this.redis.incr(this.key(index)).then(
      () => {
        this.#outcomes[index] = "acked";
        this.ackedAt[index] = performance.now();
      },
      (error: Error & { code?: string }) => {
        const unknown = error.code === "IOREPLICA_UNKNOWN_OUTCOME";
        this.#outcomes[index] = unknown ? "unknown" : "failed";
        if (!unknown) this.#codes.push(error.code ?? error.message);
      },
    );
    this.#calls.push(call);
  }

  /** Issues so many per millisecond from now on, and makes up for turns that came late. */
  begin(perMs = 1): this {
    const began = performance.now();
    let made = 0;
    this.#issuing = (async () => {
      while (!this.#over) {
        const due = Math.floor((performance.now() - began) * perMs);
        for (; made < due; made++) this.issue();
        await sleep(1);
      }
    })();
    return this;
  }

  /** Issues no more, and waits until every call has settled, at most `withinMs`. */
  async end(withinMs = 15_000): Promise<void> {
    this.#over = true;
    await this.#issuing;
    const abort = new AbortController();
    const late = sleep(withinMs, undefined, { signal: abort.signal }).catch(() => {});
    await Promise.race([Promise.all(this.#calls), late]);
    abort.abort();
  }

  /** What became of all of them; call it after {@link end}. */
  async verdict(witness: Witness): Promise<Verdict> {
    const counts = await this.applied(witness);
    const at = (outcome: Outcome, wrong: (count: number) => boolean): string[] =>
      counts.flatMap((count, index) => (this.#outcomes[index] === outcome && wrong(count) ? [this.key(index)] : []));
    return {
      issued: this.issued,
      acked: this.acked,
      errors: this.#codes,
      unknown: this.unknown,
      pending: this.pending,
      lost: at("acked", (count) => count === 0),
      twice: counts.flatMap((count, index) => (count > 1 ? [this.key(index)] : [])),
      denied: at("failed", (count) => count > 0),
    };
  }

  /** By write: how often it was applied, as this server has it. */
  async applied(witness: Witness): Promise<number[]> {
    const values: number[] = [];
    for (let from = 0; from < this.issued; from += 1000) {
      const keys = Array.from({ length: Math.min(1000, this.issued - from) }, (_, i) => this.key(from + i));
      const replies = (await witness.command("MGET", ...keys)) as (string | null)[];
      values.push(...replies.map((value) => Number(value ?? 0)));
    }
    return values;
  }

  #count(outcome: Outcome): number {
    return this.#outcomes.reduce((sum, each) => sum + (each === outcome ? 1 : 0), 0);
  }
}

/** Of acknowledged writes that are gone: how many no report covers, by count and by key. */
export function silentLosses(lost: readonly string[], events: readonly TopologyEvent[]): number {
  const reports = events.filter((event): event is WritesLost => event.type === "writesLost");
  const told = reports.reduce((sum, report) => sum + report.count.max, 0);
  const named = new Set(reports.flatMap((report) => report.keys));
  const unnamed = reports.every((report) => report.keysComplete) ? lost.filter((key) => !named.has(key)).length : 0;
  return Math.max(unnamed, lost.length - told, 0);
}
