import { type Guarantee, show } from "./history.js";
import { firstAfter, firstFrom, groupRows } from "./range-max.js";
import { CAUSAL, OK, type Table, TOLD, WRITE } from "./table.js";

/** Counts a check; `text` tells what was wrong, and is asked for only then. */
export type Judge = (guarantee: Guarantee, kept: boolean, text: () => string) => void;

const NOBODY = -1;

/** What holds along the calls of one session, in their order. */
export function judgeSession(rows: readonly number[], table: Table, judge: Judge): void {
  const { place } = table;
  let own = -1;
  let seen = -1;
  let ownBy = NOBODY;
  let seenBy = NOBODY;
  const say = (row: number): string => (row === NOBODY ? "nothing" : show(table.at(row)));
  for (const row of rows) {
    // Told of a loss it goes on from where the histories parted, wherever that is.
    if (table.is(row, TOLD)) own = seen = -1;
    if (!table.is(row, OK)) continue;
    const here = place[row] as number;
    if (table.is(row, WRITE)) {
      if (here < 0) continue;
      judge("monotonicWrites", here > own, () => `${say(row)} stands before ${say(ownBy)}`);
      if (table.is(row, CAUSAL))
        judge("writesFollowReads", here > seen, () => `${say(row)} stands before what ${say(seenBy)} saw`);
      if (here > own) [own, ownBy] = [here, row];
      continue;
    }
    if (!table.is(row, CAUSAL) || table.doomed(row)) continue;
    judge("readYourWrites", table.saw(row, own), () => `${say(row)} did not see ${say(ownBy)}`);
    judge("monotonicReads", table.saw(row, seen), () => `${say(row)} saw less than ${say(seenBy)}`);
    if (here > seen) [seen, seenBy] = [here, row];
  }
}

/** The calls of one session, so that what followed a moment is found without a walk. */
export class SessionCalls {
  readonly #invoked: Float64Array;
  readonly #nextTold: Int32Array;
  readonly #successes: ReadonlyMap<number, { readonly places: number[]; readonly invoked: Float64Array }>;

  constructor(
    private readonly rows: readonly number[],
    table: Table,
  ) {
    const invoked = Float64Array.from(rows, (row) => table.invoked[row] as number);
    this.#invoked = invoked;
    this.#nextTold = new Int32Array(rows.length + 1).fill(rows.length);
    const succeeded: number[] = [];
    for (let i = rows.length - 1; i >= 0; i--) {
      const row = rows[i] as number;
      this.#nextTold[i] = table.is(row, TOLD) ? i : (this.#nextTold[i + 1] as number);
      if (table.is(row, OK)) succeeded.push(i);
    }
    const byClient = groupRows(succeeded.reverse(), (i) => table.client[rows[i] as number] as number);
    this.#successes = new Map(
      [...byClient].map(([client, places]) => [
        client,
        { places, invoked: Float64Array.from(places, (i) => invoked[i] as number) },
      ]),
    );
  }

  /**
   * The first of: a call from `from` on that was told of a loss, and one through `client`, invoked later than `since`,
   * that succeeded. Null: neither came.
   */
  next(from: number, client: number, since: number): number | null {
    const told = this.#nextTold[firstFrom(this.#invoked, from)] as number;
    const own = this.#successes.get(client);
    const success = own?.places[Math.max(firstAfter(own.invoked, since), firstFrom(own.invoked, from))];
    return this.rows[Math.min(told, success ?? this.rows.length)] ?? null;
  }
}
