import {
  GUARANTEES,
  type Guarantee,
  type History,
  MOST_TEXTS,
  type Operation,
  show,
  type Verdict,
  type Violation,
} from "./history.js";
import { judgeGoneWrites, judgeHastyReads } from "./own-writes.js";
import { groupRows, RangeMax } from "./range-max.js";
import { Reported } from "./reported.js";
import { type Judge, judgeSession, SessionCalls } from "./sessions.js";
import { CAUSAL, EVENTUAL, STRONG, Table } from "./table.js";

/** Decides every guarantee over a history. Costs O(n log n), and the length of the lists that were read. */
export function check(history: History): Verdict {
  return new Check(history).verdict();
}

const none = (): Record<Guarantee, number> =>
  Object.fromEntries(GUARANTEES.map((name) => [name, 0])) as Record<Guarantee, number>;

class Check {
  readonly #violations: Violation[] = [];
  readonly #checked = none();
  readonly #broken = none();
  readonly #table: Table;
  readonly #reported: Reported;

  constructor(private readonly history: History) {
    this.#table = new Table(history);
    this.#reported = new Reported(this.#table);
  }

  verdict(): Verdict {
    const { session } = this.#table;
    const sessions = groupRows(session.keys(), (row) => session[row] as number);
    this.#applied();
    this.#counted();
    this.#read();
    for (const rows of sessions.values()) judgeSession(rows, this.#table, this.#judge);
    this.#ownWrites();
    judgeGoneWrites(this.#table, this.#reported, this.#judge);
    judgeHastyReads(this.#table, this.#reported, this.#judge);
    this.#copied();
    this.#strong();
    this.#staleness();
    this.#losses(sessions);
    return { violations: this.#violations, checked: this.#checked, broken: this.#broken };
  }

  readonly #judge: Judge = (guarantee, kept, text) => {
    this.#checked[guarantee]++;
    if (kept) return;
    if (this.#broken[guarantee]++ < MOST_TEXTS) this.#violations.push({ guarantee, text: text() });
  };

  /** What was applied was asked for, and once. */
  #applied(): void {
    const { order, lists } = this.history;
    const applied = new Set<string>();
    for (const value of order) {
      this.#judge("appliedOnce", !applied.has(value), () => `${value} was applied twice`);
      applied.add(value);
      this.#asked(value, "was applied");
    }
    for (const [key, values] of lists ?? [])
      for (const value of values)
        this.#judge("noInvention", applied.has(value), () => `${value} stands in ${key} and not in the order`);
  }

  #asked(value: string, what: string): void {
    const row = this.#table.called.get(value);
    const failed = row !== undefined && this.#table.at(row).outcome === "fail";
    this.#judge(
      "noInvention",
      row !== undefined && !failed,
      () => `${value} ${what}, which ${failed ? "was said not to be applied" : "nobody wrote"}`,
    );
  }

  #counted(): void {
    for (const { name, final, ok, unknown } of this.history.counters ?? [])
      this.#judge(
        "appliedOnce",
        final <= ok + unknown,
        () => `${name} is ${final} after ${ok} increments and ${unknown} of unknown outcome`,
      );
  }

  /** A read may see what is lost later, never what nobody wrote. */
  #read(): void {
    for (const row of this.#table.reads) {
      if (!this.#table.doomed(row)) continue;
      const read = this.#table.at(row);
      for (const value of read.values ?? [read.saw as string]) this.#asked(value, `was read (${show(read)})`);
    }
  }

  /** `session`: every client sees what it wrote itself, key by key, unless it was told that it may be lost. */
  #ownWrites(): void {
    const { client, key, keys, returned, invoked, place, writes, reads } = this.#table;
    const ofBoth = (row: number): number => (client[row] as number) * keys.count + (key[row] as number);
    const known = this.#known(writes, ofBoth, returned, place);
    const ofOne = groupRows(writes, ofBoth);
    for (const row of reads) {
      const own = known.get(ofBoth(row));
      if (own === undefined || this.#table.is(row, EVENTUAL)) continue;
      const told = this.#reported.last(client[row] as number, key[row] as number, returned[row]);
      const owed = this.#owed(row, own, () => ofOne.get(ofBoth(row)) ?? [], told, invoked[row] as number);
      this.#covers(row, "readYourWrites", owed, told, invoked[row] as number);
    }
  }

  #copied(): void {
    for (const row of this.#table.writes) {
      const { copies } = this.#table.at(row);
      if (copies === undefined) continue;
      // The master's own copy doesn't count, and it isn't there to be taken off where the master has crashed between the
      // write and its success: the promise is of replicas, and theirs is then the only copy. Of an unknown master one is
      // taken off in any case.
      const { wanted, holders, master } = copies;
      const held = master === null ? holders.length - 1 : holders.filter((place) => place !== master).length;
      this.#judge(
        "durability",
        held >= wanted,
        () => `${show(this.#table.at(row))} was on ${held} replicas of ${wanted}`,
      );
    }
  }

  /** `strong`: what the client had written or read before, of whatever key. */
  #strong(): void {
    const { client, returned, invoked, place, writes, reads } = this.#table;
    const strong = reads.filter((row) => this.#table.is(row, STRONG));
    if (strong.length === 0) return;
    const calls = [...writes, ...reads];
    const known = this.#known(calls, (row) => client[row] as number, returned, place);
    const ofOne = groupRows(calls, (row) => client[row] as number);
    for (const row of strong) {
      const [who, until] = [client[row] as number, invoked[row] as number];
      const told = this.#reported.lastOfAny(who, returned[row] as number);
      const owed = this.#owed(row, known.get(who), () => ofOne.get(who) ?? [], told, until);
      this.#covers(row, "strongReads", owed, told, until);
    }
  }

  /**
   * What a read is owed, less what its client has left behind: what it saw of others on a master that it followed no
   * longer, and what it wrote itself and was told of, though the call returned later than that. Both may come back,
   * where a server that still has them is promoted before it got its data anew.
   */
  #owed(
    row: number,
    known: RangeMax | undefined,
    rows: () => readonly number[],
    told: number,
    until: number,
  ): RangeMax | undefined {
    const { invoked, returned, place } = this.#table;
    // Few reads miss anything, and only of these it is asked what they could have seen.
    if (known === undefined || !this.#table.hasLeft(row) || this.#table.saw(row, known.max(told, until))) return known;
    const there = (other: number): boolean => {
      const { kind, value, saw, values } = this.#table.at(other);
      if (kind === "append" && told < (invoked[other] as number)) return true;
      const seen = value ?? values?.at(-1) ?? saw;
      return seen === undefined || seen === null || !this.#table.lacked(row, seen);
    };
    return new RangeMax(rows().filter(there), returned, place);
  }

  /**
   * A bound on staleness: every write of anybody that was acknowledged so long ago. The one exception is what stands in
   * the history that the reader's client has left, beyond the branch. Of its own writes among these it was told; those
   * of others it can't know, and they may survive: where nobody can testify, a copy detached for a while looks like a
   * promotion, and in the end everybody goes back. A client that stayed where it was is owed what went to any other.
   */
  #staleness(): void {
    const { client, key, returned, invoked, place, writes, reads } = this.#table;
    const ofKey = groupRows(writes, (row) => key[row] as number);
    const known = this.#known(writes, (row) => key[row] as number, returned, place);
    for (const row of reads) {
      const { maxStalenessMs } = this.#table.at(row);
      if (maxStalenessMs === undefined) continue;
      const told = this.#reported.last(client[row] as number, key[row] as number, returned[row]);
      const until = (invoked[row] as number) - maxStalenessMs;
      let owed = known.get(key[row] as number);
      if (owed !== undefined && this.#table.hasLeft(row) && !this.#table.saw(row, owed.max(told, until))) {
        const there = (write: number): boolean => !this.#table.lacked(row, this.#table.at(write).value as string);
        owed = new RangeMax((ofKey.get(key[row] as number) ?? []).filter(there), returned, place);
      }
      this.#covers(row, "staleness", owed, told, until);
    }
  }

  #known(
    rows: readonly number[],
    of: (row: number) => number,
    times: Float64Array,
    places: Float64Array,
  ): ReadonlyMap<number, RangeMax> {
    return new Map([...groupRows(rows, of)].map(([name, group]) => [name, new RangeMax(group, times, places)]));
  }

  /** The read saw all that was known between a report of losses (which gives up what was before it) and a moment. */
  #covers(row: number, guarantee: Guarantee, known: RangeMax | undefined, told: number, until: number): void {
    if (known === undefined || this.#table.doomed(row)) return;
    const place = known.max(told, until);
    if (place < 0) return;
    this.#judge(guarantee, this.#table.saw(row, place), () => {
      const [read, missed] = [this.#table.at(row), this.#table.at(known.named(place))];
      return `${show(read)} did not see ${show(missed)}, ${Math.round(read.invoked - missed.returned)} ms old`;
    });
  }

  /** What was acknowledged and is gone must have been told: to the client by key or number, to the session in time. */
  #losses(sessions: ReadonlyMap<number, readonly number[]>): void {
    const { client, key, session, place, invoked, returned, writes } = this.#table;
    const calls = new Map<number, SessionCalls>();
    for (const row of writes) {
      if ((place[row] as number) >= 0) continue;
      const write = this.#table.at(row);
      const last = this.#reported.last(client[row] as number, key[row] as number);
      const told = last >= (invoked[row] as number);
      this.#judge("noSilentLoss", told, () => `${show(write)} was acknowledged, is gone, and was not reported`);
      if (!this.#table.is(row, CAUSAL)) continue;
      const name = session[row] as number;
      let own = calls.get(name);
      if (own === undefined) calls.set(name, (own = new SessionCalls(sessions.get(name) ?? [], this.#table)));
      // Reports name keys: an earlier one may speak of another write of the same key.
      const since = told ? last : Number.NEGATIVE_INFINITY;
      const next = own.next(returned[row] as number, client[row] as number, since);
      const after = next === null ? null : this.#table.at(next);
      this.#judge(
        "sessionTold",
        after === null || after.outcome === "told",
        () => `${show(after as Operation)} succeeded before the session was told of ${show(write)}`,
      );
    }
  }
}
