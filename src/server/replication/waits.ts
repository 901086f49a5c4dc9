import type { Client } from "../dispatch/client.js";

/** A client parked in WAIT. */
interface Wait {
  readonly client: Client;
  /** Offset that replicas must have acknowledged. */
  readonly offset: number;
  readonly wanted: number;
}

/** Clients parked in WAIT, in the order they came. */
export class Waits {
  readonly #waits = new Map<Client, Wait>();

  get size(): number {
    return this.#waits.size;
  }

  add(client: Client, offset: number, wanted: number): void {
    this.#waits.set(client, { client, offset, wanted });
  }

  remove(client: Client): void {
    this.#waits.delete(client);
  }

  /** Takes out those that have enough acknowledgements, with the number each gets as its answer. */
  takeServed(countAt: (offset: number) => number): { readonly client: Client; readonly count: number }[] {
    const served: { client: Client; count: number }[] = [];
    for (const { client, offset, wanted } of this.#waits.values()) {
      const count = countAt(offset);
      if (count >= wanted) served.push({ client, count });
    }
    for (const { client } of served) this.#waits.delete(client);
    return served;
  }
}
