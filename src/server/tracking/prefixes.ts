import type { Bytes } from "../../protocol/resp/reply.js";
import type { Client } from "../dispatch/client.js";

interface PrefixState {
  readonly clients: Set<Client>;
  /** What has changed, with the client that did it last. */
  changed: Map<Bytes, Client | null>;
}

/** The broadcasting mode of client-side caching: who listens to which prefix, and what has changed under it. */
export class Prefixes {
  readonly #states = new Map<Bytes, PrefixState>();
  /** Something waits to be told. */
  changed = false;

  get size(): number {
    return this.#states.size;
  }

  add(prefix: Bytes, client: Client): void {
    const state = this.#states.get(prefix);
    if (state === undefined) this.#states.set(prefix, { clients: new Set([client]), changed: new Map() });
    else state.clients.add(client);
  }

  remove(prefix: Bytes, client: Client): void {
    const state = this.#states.get(prefix);
    state?.clients.delete(client);
    if (state?.clients.size === 0) this.#states.delete(prefix);
  }

  note(key: Bytes, by: Client | null): void {
    for (const [prefix, state] of this.#states) {
      if (!key.startsWith(prefix)) continue;
      state.changed.set(key, by);
      this.changed = true;
    }
  }

  /** Hands out what has changed, one list per prefix and client, without what a NOLOOP client did itself. */
  deliver(send: (client: Client, keys: readonly Bytes[]) => void): void {
    this.changed = false;
    for (const state of this.#states.values()) {
      if (state.changed.size === 0) continue;
      const changed = [...state.changed].sort(([a], [b]) => (a < b ? -1 : 1));
      state.changed = new Map();
      const all = changed.map(([key]) => key);
      for (const client of state.clients) {
        const keys = client.tracking?.noLoop ? changed.filter(([, by]) => by !== client).map(([key]) => key) : all;
        if (keys.length > 0) send(client, keys);
      }
    }
  }
}
