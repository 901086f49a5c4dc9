import type { Guarantee, History, Operation, Verdict, Violation } from "./history.js";

/** What a read saw, as places in the final order: everything up to `last`, nothing from `next` on. */
interface Sight {
  readonly last: number;
  readonly next: number;
}

const NAMES: readonly Guarantee[] = [
  ...(["readYourWrites", "monotonicReads", "monotonicWrites", "writesFollowReads", "staleness"] as const),
  ...(["noSilentLoss", "sessionTold", "appliedOnce", "noInvention"] as const),
];

/** Decides every guarantee over a history. Costs O(n log n). */
export function check(history: History): Verdict {
  return new Check(history).verdict();
}

class Check {
  readonly #violations: Violation[] = [];
  readonly #checked = Object.fromEntries(NAMES.map((name) => [name, 0])) as Record<Guarantee, number>;
  readonly #index = new Map<string, number>();
  readonly #appended = new Map<string, Operation>();

  constructor(private readonly history: History) {}

  verdict(): Verdict {
    this.#order();
    const bySession = groupBy(this.history.operations, (one) => one.session);
    for (const operations of bySession.values()) this.#session(operations);
    this.#ownWrites();
    this.#staleness();
    this.#losses();
    return { violations: this.#violations, checked: this.#checked };
  }

  #judge(guarantee: Guarantee, kept: boolean, text: () => string): void {
    this.#checked[guarantee]++;
    if (!kept) this.#violations.push({ guarantee, text: text() });
  }

  #order(): void {
    const { order, lists, operations } = this.history;
    for (const one of operations) if (one.kind === "append") this.#appended.set(one.value as string, one);
    for (const [place, value] of order.entries()) {
      this.#judge("appliedOnce", !this.#index.has(value), () => `${value} was applied twice`);
      this.#index.set(value, place);
      const appended = this.#appended.get(value);
      this.#judge(
        "noInvention",
        appended !== undefined && appended.outcome !== "fail",
        () => `${value} was applied, which ${appended === undefined ? "nobody appended" : "was said not to be"}`,
      );
    }
    for (const [key, values] of lists)
      for (const value of values)
        this.#judge("noInvention", this.#index.has(value), () => `${value} stands in ${key} and not in the order`);
  }

  /** Null: the read saw something that did not survive. */
  #sight(read: Operation): Sight | null {
    const values = read.values as readonly string[];
    const final = this.history.lists.get(read.key) ?? [];
    for (const [place, value] of values.entries()) if (final[place] !== value) return null;
    const place = (value: string | undefined, none: number): number =>
      value === undefined ? none : (this.#index.get(value) ?? none);
    return {
      last: place(values[values.length - 1], -1),
      next: place(final[values.length], Number.POSITIVE_INFINITY),
    };
  }

  /** What holds along the calls of one session, in their order. */
  #session(operations: readonly Operation[]): void {
    let own = -1;
    let seen = -1;
    let ownText = "";
    let seenText = "";
    for (const one of operations) {
      // Told of a loss it goes on from where the histories parted, wherever that is.
      if (one.outcome === "told") own = seen = -1;
      if (one.outcome !== "ok") continue;
      if (one.kind === "append") {
        const index = this.#index.get(one.value as string);
        if (index === undefined) continue;
        this.#judge("monotonicWrites", index > own, () => `${show(one)} stands before ${ownText}`);
        if (one.promise === "causal")
          this.#judge("writesFollowReads", index > seen, () => `${show(one)} stands before what ${seenText} saw`);
        if (index > own) {
          own = index;
          ownText = show(one);
        }
        continue;
      }
      const sight = this.#sight(one);
      if (sight === null || one.promise !== "causal") continue;
      this.#judge("readYourWrites", sight.next > own, () => `${show(one)} did not see ${ownText}`);
      this.#judge("monotonicReads", sight.next > seen, () => `${show(one)} saw less than ${seenText}`);
      if (sight.last > seen) {
        seen = sight.last;
        seenText = show(one);
      }
    }
  }

  /** `session`: every client sees what it wrote itself, key by key. */
  #ownWrites(): void {
    const reads = this.history.operations.filter(
      ({ kind, outcome, promise }) => kind === "read" && outcome === "ok" && promise !== "eventual",
    );
    const writes = groupBy(
      this.history.operations.filter(({ kind, outcome }) => kind === "append" && outcome === "ok"),
      ({ client, key }) => `${client} ${key}`,
    );
    for (const read of reads) {
      const sight = this.#sight(read);
      if (sight === null) continue;
      for (const write of writes.get(`${read.client} ${read.key}`) ?? []) {
        if (write.returned > read.invoked) continue;
        const index = this.#index.get(write.value as string);
        if (index !== undefined && !this.#givenUp(write, read))
          this.#judge("readYourWrites", sight.next > index, () => `${show(read)} did not see ${show(write)}`);
      }
    }
  }

  /** The reader's client had been told, before the read was answered, that the write may be lost. */
  #givenUp(write: Operation, read: Operation): boolean {
    return this.history.losses.some(
      ({ client, at, keys, keysComplete }) =>
        client === read.client &&
        at >= write.returned &&
        at <= read.returned &&
        (!keysComplete || keys.includes(write.key)),
    );
  }

  #staleness(): void {
    const writes = groupBy(
      this.history.operations.filter(({ kind, outcome }) => kind === "append" && outcome === "ok"),
      ({ key }) => key,
    );
    for (const read of this.history.operations) {
      const { maxStalenessMs } = read;
      if (read.kind !== "read" || read.outcome !== "ok" || maxStalenessMs === undefined) continue;
      const sight = this.#sight(read);
      if (sight === null) continue;
      for (const write of writes.get(read.key) ?? []) {
        if (write.returned > read.invoked - maxStalenessMs) continue;
        const index = this.#index.get(write.value as string);
        if (index !== undefined && !this.#givenUp(write, read))
          this.#judge(
            "staleness",
            sight.next > index,
            () => `${show(read)} did not see ${show(write)}, ${read.invoked - write.returned} ms old`,
          );
      }
    }
  }

  /** What was acknowledged and is gone must have been told: to the client by key or number, to the session in time. */
  #losses(): void {
    const { operations, losses } = this.history;
    const bySession = groupBy(operations, (one) => one.session);
    for (const write of operations) {
      if (write.kind !== "append" || write.outcome !== "ok" || this.#index.has(write.value as string)) continue;
      const reports = losses.filter(
        ({ client, at, keys, keysComplete }) =>
          client === write.client && at >= write.invoked && (!keysComplete || keys.includes(write.key)),
      );
      this.#judge(
        "noSilentLoss",
        reports.length > 0,
        () => `${show(write)} was acknowledged, is gone, and was not reported`,
      );
      if (write.promise !== "causal") continue;
      // Reports name keys: an earlier one may speak of another write of the same key.
      const since = Math.max(...reports.map(({ at }) => at));
      const later = (bySession.get(write.session) ?? []).filter(({ invoked }) => invoked >= write.returned);
      const next = later.find(
        ({ outcome, client, invoked }) =>
          outcome === "told" || (outcome === "ok" && client === write.client && invoked > since),
      );
      this.#judge(
        "sessionTold",
        next === undefined || next.outcome === "told",
        () => `${show(next as Operation)} succeeded before the session was told of ${show(write)}`,
      );
    }
  }
}

function show({ kind, session, key, value, values, invoked }: Operation): string {
  const what = kind === "append" ? String(value) : `[…${values?.slice(-1).join("")}]`;
  return `${session} ${kind} ${key} ${what} @${Math.round(invoked)}`;
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
