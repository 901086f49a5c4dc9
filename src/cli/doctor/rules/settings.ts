import { type Answering, answering, infoNumber, masters, numberOf, type Rule, replicas, size } from "../facts.js";

/** A machine's clock that is off by more than this is called wrong. */
const CLOCK_MS = 500;
const MEMORY_SHARE = 0.9;

/** The replica with the master of its history. */
function pairs(facts: Parameters<Rule["judge"]>[0]): { node: Answering; master: Answering }[] {
  return replicas(facts).flatMap((node) => {
    const master = masters(facts).find(({ replication }) => replication.replid === node.replication.replid);
    return master === undefined ? [] : [{ node, master }];
  });
}

/** Directives that contradict each other, within a node or between nodes. */
export const SETTINGS_RULES: readonly Rule[] = [
  {
    id: "repl-timeout",
    judge: (facts) =>
      answering(facts).flatMap((node) => {
        const timeout = numberOf(node, "repl-timeout");
        const ping = numberOf(node, "repl-ping-replica-period");
        if (timeout === null || ping === null || timeout >= ping * 3) return [];
        return [
          {
            severity: timeout <= ping ? "critical" : "warning",
            node: node.id,
            seen: `repl-timeout is ${timeout} s, repl-ping-replica-period ${ping} s`,
            why: "an idle master is heard of once per ping period: a healthy link is taken for dead",
            advice: "let repl-timeout be at least three times repl-ping-replica-period (60 and 10 are the defaults)",
          },
        ];
      }),
  },
  {
    id: "refuses-when-stale",
    judge: (facts) =>
      replicas(facts).flatMap(({ id, settings }) =>
        settings?.get("replica-serve-stale-data") !== "no"
          ? []
          : [
              {
                severity: "info",
                node: id,
                seen: "replica-serve-stale-data is no",
                why: "while its link is down it answers MASTERDOWN to nearly everything: when the master fails, reads fail too",
                advice: "a client with maxStalenessMs bounds the age of what it reads by itself: yes would do",
              },
            ],
      ),
  },
  {
    id: "eviction-differs",
    judge: (facts) =>
      pairs(facts).flatMap(({ node, master }) => {
        const [own, its] = [node.settings?.get("maxmemory-policy"), master.settings?.get("maxmemory-policy")];
        if (own === undefined || its === undefined || own === its) return [];
        return [
          {
            severity: "warning",
            node: node.id,
            seen: `maxmemory-policy is ${own}, the master's is ${its}`,
            why: "after a failover other keys are evicted than before, or writes are refused with OOM",
            advice: "let it be the same on every node",
          },
        ];
      }),
  },
  {
    id: "replica-evicts",
    judge: (facts) =>
      replicas(facts).flatMap((node) =>
        node.settings?.get("replica-ignore-maxmemory") !== "no" || numberOf(node, "maxmemory") === 0
          ? []
          : [
              {
                severity: "warning",
                node: node.id,
                seen: "replica-ignore-maxmemory is no",
                why: "it evicts keys that the master still has: reads differ from node to node, and no offset tells",
                advice: "CONFIG SET replica-ignore-maxmemory yes",
              },
            ],
      ),
  },
  {
    id: "less-memory",
    judge: (facts) =>
      pairs(facts).flatMap(({ node, master }) => {
        const [own, its] = [numberOf(node, "maxmemory"), numberOf(master, "maxmemory")];
        if (own === null || its === null || own === 0 || (its !== 0 && own >= its)) return [];
        return [
          {
            severity: "warning",
            node: node.id,
            seen: `maxmemory is ${size(own)}, the master's is ${its === 0 ? "unlimited" : size(its)}`,
            why: "as soon as it is master it evicts keys, or refuses writes with OOM",
            advice: "let it be the same on every node",
          },
        ];
      }),
  },
  {
    id: "memory-full",
    judge: (facts) =>
      masters(facts).flatMap((node) => {
        const limit = numberOf(node, "maxmemory") ?? 0;
        const used = infoNumber(node, "used_memory");
        if (limit === 0 || node.settings?.get("maxmemory-policy") !== "noeviction" || used < limit * MEMORY_SHARE)
          return [];
        return [
          {
            severity: "warning",
            node: node.id,
            seen: `${size(used)} of ${size(limit)} are used, and maxmemory-policy is noeviction`,
            why: "once it is full, writes are refused with OOM",
            advice: "raise maxmemory, expire keys, or choose an eviction policy",
          },
        ];
      }),
  },
  {
    id: "clock-skew",
    judge: (facts) =>
      pairs(facts).flatMap(({ node, master }) => {
        if (node.clock === null || master.clock === null) return [];
        const skewMs = node.clock.aheadMs - master.clock.aheadMs;
        const certainMs = Math.abs(skewMs) - node.clock.errorMs - master.clock.errorMs;
        if (certainMs < CLOCK_MS) return [];
        return [
          {
            severity: "warning",
            node: node.id,
            seen: `its clock is ${Math.round(Math.abs(skewMs))} ms ${skewMs > 0 ? "ahead of" : "behind"} the master's`,
            why: "a replica hides expired keys by its own clock: keys with a TTL vanish early there, or come back after a failover",
            advice: "run NTP on every machine",
          },
        ];
      }),
  },
];
