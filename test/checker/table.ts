import type { History, Operation, Succession } from "./history.js";
import { firstAfter } from "./range-max.js";

const NEVER = Number.POSITIVE_INFINITY;
/** In `next`: the read saw something that did not survive. */
const DOOMED = -1;

/** What is asked of every row, in bits. */
export const [OK, TOLD, WRITE, CAUSAL, STRONG, EVENTUAL, UNKNOWN] = [1, 2, 4, 8, 16, 32, 64] as const;

function traitsOf({ outcome, kind, promise }: Operation): number {
  let bits = kind === "append" ? WRITE : 0;
  if (outcome === "ok") bits |= OK;
  if (outcome === "told") bits |= TOLD;
  if (outcome === "info") bits |= UNKNOWN;
  if (promise === "causal") bits |= CAUSAL;
  if (promise === "strong") bits |= STRONG;
  if (promise === "eventual") bits |= EVENTUAL;
  return bits;
}

/** Names by number, in the order in which they were met. */
class Names {
  readonly #numbers = new Map<string, number>();

  number(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) this.#numbers.set(name, (number = this.#numbers.size));
    return number;
  }

  get count(): number {
    return this.#numbers.size;
  }
}

/**
 * A history in columns, a row for each operation, and where each stands in the final order: what a write became, what a
 * read saw (everything up to `place`, nothing from `next` on). Built in one pass, so that what judges touches no strings.
 */
export class Table {
  readonly clients = new Names();
  readonly sessions = new Names();
  readonly keys = new Names();
  readonly client: Int32Array;
  readonly session: Int32Array;
  readonly key: Int32Array;
  readonly #traits: Uint8Array;
  readonly invoked: Float64Array;
  readonly returned: Float64Array;
  /** Of a write: its place, of a read: the last place that it saw; -1 = none that lasts. */
  readonly place: Float64Array;
  readonly #next: Float64Array;
  /** Rows of the reads and of the writes that succeeded. */
  readonly reads: readonly number[];
  readonly writes: readonly number[];
  /** Every write that was called, by value. */
  readonly called = new Map<string, number>();

  /** By client: when it changed its master. */
  readonly #successions = new Map<string, { readonly times: number[]; readonly all: Succession[] }>();
  readonly #placeOf = new Map<string, number>();
  readonly #lists = new Map<string, readonly string[]>();
  /** By place: that of the next write of the same key; and of each key its first. */
  readonly #following: Float64Array;
  readonly #first = new Map<string, number>();

  constructor(readonly history: History) {
    const { operations, order } = history;
    const n = operations.length;
    [this.client, this.session, this.key] = [new Int32Array(n), new Int32Array(n), new Int32Array(n)];
    [this.invoked, this.returned] = [new Float64Array(n), new Float64Array(n)];
    [this.place, this.#next] = [new Float64Array(n).fill(-1), new Float64Array(n).fill(DOOMED)];
    this.#following = new Float64Array(order.length).fill(NEVER);
    this.#traits = new Uint8Array(n);
    const [reads, writes]: [number[], number[]] = [[], []];
    for (let row = 0; row < n; row++) {
      const one = operations[row] as Operation;
      this.client[row] = this.clients.number(one.client);
      this.session[row] = this.sessions.number(one.session);
      this.key[row] = this.keys.number(one.key);
      this.invoked[row] = one.invoked;
      this.returned[row] = one.returned;
      this.#traits[row] = traitsOf(one);
      if (this.is(row, WRITE)) this.called.set(one.value as string, row);
      if (this.is(row, OK)) (this.is(row, WRITE) ? writes : reads).push(row);
    }
    [this.reads, this.writes] = [reads, writes];
    for (const one of history.successions ?? []) {
      const own = this.#successions.get(one.client) ?? { times: [], all: [] };
      own.times.push(one.at);
      own.all.push(one);
      this.#successions.set(one.client, own);
    }
    this.#arrange();
    for (const row of writes) this.place[row] = this.#placeOf.get(this.at(row).value as string) ?? -1;
    for (const row of reads) this.#look(row, this.at(row));
  }

  at(row: number): Operation {
    return this.history.operations[row] as Operation;
  }

  is(row: number, trait: number): boolean {
    return ((this.#traits[row] as number) & trait) !== 0;
  }

  /** -1: it is not in the final order. */
  placeOf(value: string): number {
    return this.#placeOf.get(value) ?? -1;
  }

  /** Whether both calls, of one client, went to one master: it changed it neither under way nor in between. */
  sameMaster(earlier: number, later: number): boolean {
    const times = this.#successions.get(this.at(earlier).client)?.times;
    const next = times?.[firstAfter(times, this.invoked[earlier] as number)];
    return next === undefined || next > (this.returned[later] as number);
  }

  /** Whether, of a master that the client of a read followed meanwhile, it is known what it lacks. */
  hasLeft(read: number): boolean {
    return this.#followed(read).some(({ lacks }) => lacks !== undefined);
  }

  /** Whether the client of a read had left a master that has `value` for one that lacks it, by when it read. */
  lacked(read: number, value: string): boolean {
    return this.#followed(read).some(({ lacks }) => lacks?.(value) === true);
  }

  /** How the client of a read came to the master that it followed when it called, and to those under way. */
  #followed(read: number): readonly Succession[] {
    const own = this.#successions.get(this.at(read).client);
    if (own === undefined) return [];
    const last = firstAfter(own.times, this.returned[read] as number);
    const first = firstAfter(own.times, this.invoked[read] as number) - 1;
    return own.all.slice(Math.max(0, first), last);
  }

  /** Of a read: whether it saw something that did not survive, and can't be placed. */
  doomed(row: number): boolean {
    return this.#next[row] === DOOMED;
  }

  /** Of a read that can be placed: whether it saw what stands at `place`. */
  saw(row: number, place: number): boolean {
    return (this.#next[row] as number) > place;
  }

  #arrange(): void {
    const { order, lists } = this.history;
    const derived = new Map<string, string[]>();
    const keyOf = (value: string): string => {
      const row = this.called.get(value);
      return row === undefined ? "" : this.at(row).key;
    };
    for (let place = order.length - 1; place >= 0; place--) {
      const value = order[place] as string;
      const key = keyOf(value);
      this.#following[place] = this.#first.get(key) ?? NEVER;
      this.#first.set(key, place);
      if (!this.#placeOf.has(value)) this.#placeOf.set(value, place);
    }
    if (lists === undefined)
      for (const value of order) {
        const key = keyOf(value);
        const list = derived.get(key);
        if (list === undefined) derived.set(key, [value]);
        else list.push(value);
      }
    for (const [key, list] of lists ?? derived) this.#lists.set(key, list);
  }

  /** Costs the length of what was read. */
  #look(row: number, { key, values, saw }: Operation): void {
    if (values === undefined) {
      const place = saw === null || saw === undefined ? -1 : this.placeOf(saw);
      if (place < 0 && typeof saw === "string") return;
      this.place[row] = place;
      this.#next[row] = place < 0 ? (this.#first.get(key) ?? NEVER) : (this.#following[place] as number);
      return;
    }
    const final = this.#lists.get(key) ?? [];
    for (const [place, value] of values.entries()) if (final[place] !== value) return;
    const [last, next] = [values[values.length - 1], final[values.length]];
    this.place[row] = last === undefined ? -1 : this.placeOf(last);
    this.#next[row] = next === undefined ? NEVER : (this.#placeOf.get(next) ?? NEVER);
  }
}
