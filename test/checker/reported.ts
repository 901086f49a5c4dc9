import { firstAfter, firstFrom } from "./range-max.js";
import type { Table } from "./table.js";

const BEFORE_ALL = Number.NEGATIVE_INFINITY;
const [ANY, ALL, FIRST_KEY] = [0, 1, 2];

/** When each client was told of losses: of whatever, of all keys, of one key. */
export class Reported {
  readonly #times = new Map<number, number[]>();
  /** Clients there are: those that did nothing and were told of something too. */
  readonly #clients: number;

  constructor(table: Table) {
    const { clients, keys, history } = table;
    for (const loss of history.losses) clients.number(loss.client);
    this.#clients = clients.count;
    for (const loss of history.losses) {
      const client = clients.number(loss.client);
      this.#add(client, ANY, loss.at);
      if (!loss.keysComplete) this.#add(client, ALL, loss.at);
      else for (const key of loss.keys) this.#add(client, FIRST_KEY + keys.number(key), loss.at);
    }
    for (const times of this.#times.values()) times.sort((a, b) => a - b);
  }

  /** The last report up to `until` that speaks of this key, or may; far below zero = there is none. */
  last(client: number, key: number, until = Number.POSITIVE_INFINITY): number {
    return Math.max(this.#last(client, FIRST_KEY + key, until), this.#last(client, ALL, until));
  }

  /** The first report from `from` on that speaks of this key, or may; Infinity = there is none. */
  first(client: number, key: number, from: number): number {
    return Math.min(this.#first(client, FIRST_KEY + key, from), this.#first(client, ALL, from));
  }

  /** The last report up to `until`, of whatever. */
  lastOfAny(client: number, until: number): number {
    return this.#last(client, ANY, until);
  }

  #add(client: number, what: number, at: number): void {
    const name = what * this.#clients + client;
    const times = this.#times.get(name);
    if (times === undefined) this.#times.set(name, [at]);
    else times.push(at);
  }

  #first(client: number, what: number, from: number): number {
    const times = this.#times.get(what * this.#clients + client);
    return times?.[firstFrom(times, from)] ?? Number.POSITIVE_INFINITY;
  }

  #last(client: number, what: number, until: number): number {
    const times = this.#times.get(what * this.#clients + client);
    return times?.[firstAfter(times, until) - 1] ?? BEFORE_ALL;
  }
}
