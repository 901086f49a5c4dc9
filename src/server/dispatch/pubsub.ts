import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { PushReply } from "../../protocol/resp/reply.js";
import { globMatch } from "../commands/support/glob.js";
import type { Client } from "./client.js";

/** The three sorts of subscriptions; each has its own words in replies. */
export type SubscriptionKind = "channels" | "patterns" | "shardChannels";

/** Who listens to which channel or pattern. */
export class PubSub {
  readonly channels = new Map<Bytes, Set<Client>>();
  readonly patterns = new Map<Bytes, Set<Client>>();
  readonly shardChannels = new Map<Bytes, Set<Client>>();

  /** False if the client listens to it already. */
  subscribe(client: Client, kind: SubscriptionKind, name: Bytes): boolean {
    if (client[kind].has(name)) return false;
    client[kind].add(name);
    const clients = this[kind].get(name);
    if (clients === undefined) this[kind].set(name, new Set([client]));
    else clients.add(client);
    return true;
  }

  /** False if the client did not listen to it. */
  unsubscribe(client: Client, kind: SubscriptionKind, name: Bytes): boolean {
    if (!client[kind].delete(name)) return false;
    const clients = this[kind].get(name);
    clients?.delete(client);
    if (clients?.size === 0) this[kind].delete(name);
    return true;
  }

  /** Ends all subscriptions of a client. */
  forget(client: Client): void {
    for (const kind of ["channels", "patterns", "shardChannels"] as const) {
      for (const name of [...client[kind]]) this.unsubscribe(client, kind, name);
    }
  }

  /** Sends a message to the listeners of a channel and of matching patterns; returns how many deliveries. */
  publish(channel: Bytes, message: Bytes): number {
    let delivered = this.#deliver(this.channels.get(channel), ["message", channel, message]);
    for (const [pattern, clients] of this.patterns) {
      if (globMatch(pattern, channel)) delivered += this.#deliver(clients, ["pmessage", pattern, channel, message]);
    }
    return delivered;
  }

  publishSharded(channel: Bytes, message: Bytes): number {
    return this.#deliver(this.shardChannels.get(channel), ["smessage", channel, message]);
  }

  #deliver(clients: ReadonlySet<Client> | undefined, items: readonly Reply[]): number {
    if (clients === undefined) return 0;
    const push = new PushReply(items);
    for (const client of clients) client.push(push);
    return clients.size;
  }
}
