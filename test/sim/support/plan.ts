import type { Random } from "../../../src/core/random.js";
import { HOSTS } from "./world.js";

/** One thing that is done to the world, at a time of its clock. */
export type Deed = { readonly at: number } /** `server` -1: whoever is master then. */ & (
  | { readonly do: "crash"; readonly server: number; readonly data: "keep" | "drop"; readonly backAfterMs: number }
  | { readonly do: "hang" | "freeze"; readonly server: number; readonly forMs: number }
  /**
   * Of the replica that has most (`former`: of the last master, if it is a replica now); the old master, if it lives,
   * learns of it after `forMs`, the other replicas within 100 ms or after `othersAfterMs`.
   */
  | { readonly do: "promote"; readonly forMs: number; readonly former?: boolean; readonly othersAfterMs?: number }
  /** One replica follows another for a while, and gets its data from it if that one is behind. */
  | { readonly do: "repoint"; readonly forMs: number }
  /** A replica is made a master for other use, while all others stay where they are, and comes back. */
  | { readonly do: "detach"; readonly forMs: number }
  | { readonly do: "save" | "aof"; readonly server: number }
  /** The connection ends before the request was run, or after, with half of the reply. */
  | { readonly do: "cutRequest" | "cutReply"; readonly server: number; readonly times: number }
  | { readonly do: "pauseClient"; readonly client: number; readonly forMs: number }
  /** A client's connections are broken, and what it had sent arrives `forMs` later. */
  | {
      readonly do: "stall";
      readonly client: number;
      readonly server: number;
      readonly cutAfterMs: number;
      readonly forMs: number;
    }
  | { readonly do: "lag"; readonly server: number; readonly lagMs: number; readonly forMs: number }
  | { readonly do: "failover" }
  | { readonly do: "cut"; readonly from: string; readonly to: string; readonly both: boolean; readonly forMs: number }
  | { readonly do: "drop"; readonly server: number }
  | {
      readonly do: "refuse";
      readonly server: number;
      readonly error: "READONLY" | "LOADING" | "BUSY";
      readonly times: number;
    }
  | { readonly do: "pauseProcess"; readonly forMs: number }
  | { readonly do: "stepClock"; readonly byMs: number }
  | { readonly do: "slow"; readonly spreadMs: number; readonly forMs: number }
);

/** All kinds of deeds. */
export const DEEDS = [
  ...(["crash", "promote", "failover", "hang", "freeze", "lag", "cut", "drop", "refuse", "pauseProcess"] as const),
  ...(["stepClock", "slow", "repoint", "detach", "save", "aof", "cutRequest", "cutReply", "pauseClient"] as const),
  "stall",
] as const satisfies readonly Deed["do"][];

/** Milliseconds of virtual time during which deeds are done. */
export const TROUBLE_MS = 2000;

/** What will be done, from one seed: a short scenario of failover in most, and mishaps strewn over it. */
export function plan(random: Random, clients: number): Deed[] {
  const deeds: Deed[] = [];
  const server = (): number => random.int(HOSTS.length);
  const at = (): number => 100 + random.next() * (TROUBLE_MS - 600);
  const span = (most: number): number => 20 + random.next() * most;
  const client = (): string => `10.0.1.${random.int(clients)}`;
  const mishaps = 1 + random.int(5);
  for (let i = 0; i < mishaps; i++) deeds.push(mishap());
  if (random.next() < 0.75) deeds.push(...change());
  if (random.next() < 0.25) deeds.push(...change());
  return deeds.sort((a, b) => a.at - b.at);

  function mishap(): Deed {
    switch (random.int(15)) {
      case 14:
        return { at: at(), do: "pauseClient", client: random.int(clients), forMs: span(900) };
      case 13:
        return {
          at: at(),
          do: "stall",
          client: random.int(clients),
          server: -1,
          cutAfterMs: random.next() * 20,
          forMs: span(600),
        };
      case 12:
        return { at: at(), do: "cutReply", server: random.next() < 0.5 ? -1 : server(), times: 1 + random.int(3) };
      case 11:
        return { at: at(), do: "cutRequest", server: random.next() < 0.5 ? -1 : server(), times: 1 + random.int(3) };
      case 10:
        return { at: at(), do: "repoint", forMs: span(300) };
      case 0:
        return { at: at(), do: "hang", server: server(), forMs: span(800) };
      case 1:
        return { at: at(), do: "freeze", server: server(), forMs: span(800) };
      case 2:
        return { at: at(), do: "lag", server: server(), lagMs: span(150), forMs: span(2000) };
      case 3:
        return { at: at(), do: "drop", server: server() };
      case 4:
        return {
          at: at(),
          do: "refuse",
          server: server(),
          error: (["READONLY", "LOADING", "BUSY"] as const)[random.int(3)] as "BUSY",
          times: 1 + random.int(4),
        };
      case 5:
        return { at: at(), do: "pauseProcess", forMs: span(900) };
      case 6:
        return { at: at(), do: "stepClock", byMs: (random.next() - 0.5) * 20_000 };
      case 7:
        return { at: at(), do: "slow", spreadMs: span(60), forMs: span(600) };
      case 8:
        return {
          at: at(),
          do: "cut",
          from: client(),
          to: HOSTS[server()] as string,
          both: random.next() < 0.5,
          forMs: span(900),
        };
      default:
        return {
          at: at(),
          do: "cut",
          from: HOSTS[server()] as string,
          to: HOSTS[server()] as string,
          both: random.next() < 0.5,
          forMs: span(900),
        };
    }
  }

  /** Somebody changes the master, for a reason or without one. */
  function change(): Deed[] {
    const when = at();
    switch (random.int(8)) {
      case 0:
        return [{ at: when, do: "failover" }];
      case 3:
        // Back to the one that was master before: same process, same connections, another history.
        return [
          { at: when, do: "promote", forMs: span(200) },
          { at: when + 200 + span(400), do: "promote", forMs: span(200), former: true },
        ];
      case 4:
        // From what it had saved, or logged, and nobody else is promoted.
        return [
          { at: when - 80, do: random.next() < 0.5 ? "save" : "aof", server: -1 },
          { at: when, do: "crash", server: -1, data: "keep", backAfterMs: span(400) },
        ];
      case 5:
        return [{ at: when, do: "detach", forMs: span(900) }];
      case 6:
        // Its new master is behind: it goes back within one history, on open connections.
        return [
          { at: when - 80, do: "freeze", server: server(), forMs: 100 + span(200) },
          { at: when, do: "repoint", forMs: random.next() < 0.5 ? span(20) : span(300) },
        ];
      case 1:
        return [
          { at: when, do: "crash", server: -1, data: random.next() < 0.5 ? "keep" : "drop", backAfterMs: span(1500) },
          { at: when + span(300), do: "promote", forMs: 0 },
        ];
      case 2:
        // Nobody tells the old master: two of them for a while.
        return [{ at: when, do: "promote", forMs: 200 + span(1500) }];
      default:
        return [
          { at: when - 50, do: "freeze", server: server(), forMs: span(400) },
          { at: when, do: "crash", server: -1, data: "drop", backAfterMs: span(1500) },
          { at: when + span(300), do: "promote", forMs: 0 },
        ];
    }
  }
}
