import type { Fleet } from "./fleet.js";
import type { Named } from "./workload.js";

const [CHANNEL, PATTERN, SHARD] = ["torture:news", "torture:n*", "torture:shard"];
/** All that a client is subscribed to, by the event that brings its messages. */
const SUBSCRIPTIONS = ["message", "pmessage", "smessage"] as const;
const HEARD_MS = 10_000;
const AGAIN_MS = 10;

/** Subscriptions that are made once and have to outlive whatever is done to the servers. */
export class Listeners {
  /** By client and event: the last message that came. */
  readonly #last = new Map<string, string>();
  #said = 0;

  private constructor(private readonly clients: readonly Named[]) {}

  /** Each client subscribes to a channel, a pattern and a shard channel. */
  static async open(clients: readonly Named[]): Promise<Listeners> {
    const listeners = new Listeners(clients);
    for (const { name, client } of clients) {
      // The message is the last argument of each of them.
      for (const event of SUBSCRIPTIONS)
        client.on(event, (...words: string[]) => listeners.#last.set(`${name}:${event}`, words.at(-1) as string));
      await client.subscribe(CHANNEL);
      await client.psubscribe(PATTERN);
      await client.ssubscribe(SHARD);
    }
    return listeners;
  }

  /** Publishes on the master until every subscription has brought something of it; how many there are. */
  async hear(fleet: Fleet): Promise<number> {
    const first = this.#said + 1;
    const all = this.clients.flatMap(({ name }) => SUBSCRIPTIONS.map((event) => `${name}:${event}`));
    const deadline = performance.now() + HEARD_MS;
    for (;;) {
      const text = String(++this.#said);
      await fleet.command(fleet.master, "PUBLISH", CHANNEL, text);
      await fleet.command(fleet.master, "SPUBLISH", SHARD, text);
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      const deaf = all.filter((one) => !(Number(this.#last.get(one)) >= first));
      if (deaf.length === 0) return all.length;
      if (performance.now() > deadline) throw new Error(`no message came to ${deaf.join(", ")} for ${HEARD_MS} ms`);
    }
  }
}
