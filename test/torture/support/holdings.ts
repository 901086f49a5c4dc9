import type { Operation, Succession } from "../../checker/history.js";
import type { Fleet } from "./fleet.js";
import { list } from "./list.js";
import type { Keys } from "./recorder.js";

interface Arrival {
  readonly client: string;
  readonly at: number;
  readonly master: number;
  /** What it had then, or soon after; null where it could not be asked any more. */
  readonly held: ReadonlySet<string> | null;
}

/**
 * What a master had when a client came to it. Of a write that its master lacks a client learns nothing there, and still
 * it may survive: where a server that has it is promoted before it has got its data anew.
 */
export class Holdings {
  readonly #arrivals: Promise<Arrival>[] = [];
  readonly #first: number;

  constructor(
    private readonly fleet: Fleet,
    private readonly keys: Keys,
  ) {
    this.#first = fleet.master;
  }

  /** A client has taken the server at this address for its master. */
  came(client: string, address: string): void {
    const at = performance.now();
    const { fleet } = this;
    const master = fleet.places.findIndex((place) =>
      (["front", "direct"] as const).some((by) => {
        const { host, port } = fleet.reached(place, by);
        return `${host}:${port}` === address;
      }),
    );
    this.#arrivals.push(this.#ask(master).then((held) => ({ client, at, master, held })));
  }

  /** For the checker: who came to which master, and what of these writes was not there. */
  async successions(operations: readonly Operation[]): Promise<Succession[]> {
    const arrivals = await Promise.all(this.#arrivals);
    const writes = new Map(operations.filter(({ kind }) => kind === "append").map((one) => [one.value as string, one]));
    // A call that was under way when its client went over may return late from the master that was left.
    const followed = ({ client, invoked }: Operation): number =>
      arrivals.findLast((one) => one.client === client && one.at <= invoked)?.master ?? this.#first;
    return arrivals.map(({ client, at, master, held }) => {
      if (held === null) return { client, at };
      const lacks = (value: string): boolean => {
        const write = writes.get(value);
        if (write === undefined || held.has(value)) return false;
        return write.returned <= at || followed(write) !== master;
      };
      return { client, at, lacks };
    });
  }

  async #ask(master: number): Promise<ReadonlySet<string> | null> {
    if (master < 0) return null;
    const { order, own } = this.keys;
    try {
      const lists = await Promise.all([order, ...own].map((key) => list(this.fleet, master, key)));
      return new Set(lists.flat());
    } catch {
      // It was killed meanwhile.
      return null;
    }
  }
}
