import {
  answering,
  type Found,
  infoNumber,
  masters,
  numberOf,
  type Rule,
  replicas,
  size,
  writeRate,
} from "../facts.js";

/** An outage of a link that a deployment should get over without a full resync. */
const OUTAGE_SECONDS = 60;
/** Bytes per second at which a full resync is thought to move, when nothing better is known. */
const RESYNC_RATE = 50 * 2 ** 20;

/** What of the data outlives which fault. */
export const DURABILITY_RULES: readonly Rule[] = [
  {
    id: "restart-empties-all",
    judge: (facts) =>
      masters(facts).flatMap(({ id, settings, info, replication }) => {
        if (settings === null || settings.get("appendonly") === "yes" || (settings.get("save") ?? "") !== "") return [];
        const supervisor = info.get("process_supervised") ?? "no";
        return [
          {
            severity: supervisor === "no" ? "warning" : "critical",
            node: id,
            seen: `no persistence (appendonly no, save "")${supervisor === "no" ? "" : `, and ${supervisor} restarts it`}`,
            why: `if it restarts by itself it comes back empty, as master, and ${replication.replicas.length || "all"} replicas wipe their data to follow it`,
            advice:
              "persist on the master (save or appendonly), or forbid that anything restarts it (restart: no, and a failover instead)",
          },
        ];
      }),
  },
  {
    id: "saving-fails",
    judge: (facts) =>
      answering(facts).flatMap(({ id, info }) => {
        const failed = ["rdb_last_bgsave_status", "aof_last_write_status", "aof_last_bgrewrite_status"].filter(
          (field) => info.has(field) && info.get(field) !== "ok",
        );
        if (failed.length === 0) return [];
        return [
          {
            severity: "critical",
            node: id,
            seen: failed.map((field) => `${field}:${info.get(field)}`).join(", "),
            why: "nothing reaches the disk, and with stop-writes-on-bgsave-error writes are refused with MISCONF",
            advice:
              "look into its log: a full disk, no right to write there, or no memory to fork (vm.overcommit_memory)",
          },
        ];
      }),
  },
  {
    id: "full-resyncs",
    judge: (facts) =>
      answering(facts).flatMap(({ id, growth, info, replication }) => {
        const refused = Number(info.get("sync_partial_err") ?? 0);
        const now = growth?.fullSyncs ?? 0;
        // The first sync of a server that was a master before is counted as refused too: one for each replica is no sign.
        if (now === 0 && refused <= replication.replicas.length) return [];
        return [
          {
            severity: now > 0 ? "critical" : "warning",
            node: id,
            seen:
              now > 0
                ? `${now} full resyncs within ${growth?.seconds.toFixed(1)} s`
                : `${refused} partial resyncs were refused since it started (sync_partial_err)`,
            why: "each full resync forks the master, sends all data and takes the replica out of service; one after another is a loop that doesn't end by itself",
            advice:
              "raise repl-backlog-size; if a resync never finishes, client-output-buffer-limit replica and repl-timeout",
          },
        ];
      }),
  },
  {
    id: "small-backlog",
    judge: (facts) =>
      masters(facts).flatMap((node) => {
        const backlog = numberOf(node, "repl-backlog-size") ?? infoNumber(node, "repl_backlog_size");
        const rate = writeRate(node);
        if (backlog === 0 || node.replication.replicas.length === 0 || rate * OUTAGE_SECONDS <= backlog) return [];
        return [
          {
            severity: "warning",
            node: node.id,
            seen: `repl-backlog-size is ${size(backlog)}, at ${size(rate)}/s of writes that is ${(backlog / rate).toFixed(0)} s`,
            why: "a replica whose link is down for longer needs a full resync",
            advice: `set repl-backlog-size to ${size(rate * OUTAGE_SECONDS * 2)} or more on every node`,
          },
        ];
      }),
  },
  {
    id: "replica-output-buffer",
    judge: (facts) =>
      answering(facts).flatMap((node) => {
        const [hard, soft] = replicaLimits(node.settings?.get("client-output-buffer-limit"));
        const least = Math.min(hard || Number.POSITIVE_INFINITY, soft || Number.POSITIVE_INFINITY);
        const seconds = infoNumber(node, "used_memory") / RESYNC_RATE;
        const waiting = writeRate(node) * seconds;
        if (!(waiting > least)) return [];
        return [
          {
            severity: "warning",
            node: node.id,
            seen: `client-output-buffer-limit replica is ${size(least)}; a full resync of ${size(infoNumber(node, "used_memory"))} takes some ${seconds.toFixed(0)} s, in which ${size(waiting)} are written`,
            why: "the master closes the link of a replica whose buffer is full, and the resync begins anew, for ever",
            advice: `set it to ${size(waiting * 2)} or more (or 0) on every node`,
          },
        ];
      }),
  },
  {
    id: "min-replicas",
    judge: (facts) =>
      answering(facts).flatMap((node): Found[] => {
        const wanted = numberOf(node, "min-replicas-to-write");
        const { role, goodReplicas, replicas: following } = node.replication;
        if (role === "master" && wanted !== null && wanted > 0 && goodReplicas !== null && goodReplicas < wanted) {
          return [
            {
              severity: "critical",
              node: node.id,
              seen: `min-replicas-to-write is ${wanted}, and ${goodReplicas} replicas are good`,
              why: "writes are refused with NOREPLICAS",
              advice: "bring the replicas back, or lower min-replicas-to-write",
            },
          ];
        }
        const protects = facts.nodes.some((other) => (numberOf(other, "min-replicas-to-write") ?? 0) > 0);
        if (wanted !== 0 || (role === "master" ? following.length === 0 : !protects)) return [];
        return [
          {
            severity: "warning",
            node: node.id,
            seen:
              role === "master"
                ? "min-replicas-to-write is 0"
                : "min-replicas-to-write is 0, while another node has it set",
            why:
              role === "master"
                ? "cut off from its replicas it goes on taking writes, and all of them are lost when another one was promoted"
                : "after a failover this node is the master, without that protection",
            advice:
              "set min-replicas-to-write 1 and min-replicas-max-lag 10 on every node, if refusing is better than losing",
          },
        ];
      }),
  },
  {
    id: "writable-replica",
    judge: (facts) =>
      replicas(facts).flatMap(({ id, settings }) =>
        settings?.get("replica-read-only") !== "no"
          ? []
          : [
              {
                severity: "critical",
                node: id,
                seen: "replica-read-only is no",
                why: "what is written there reaches nobody, makes reads differ from node to node and vanishes in the next resync",
                advice: "CONFIG SET replica-read-only yes",
              },
            ],
      ),
  },
  {
    id: "nobody-to-promote",
    judge: (facts) => {
      const all = replicas(facts);
      if (all.length === 0 || all.some(({ replication }) => replication.priority !== 0)) return [];
      return [
        {
          severity: "critical",
          seen: "every replica has replica-priority 0",
          why: "Sentinel promotes none of them, however long the master is gone",
          advice: "set replica-priority 100 on those that may be master",
        },
      ];
    },
  },
];

/** Hard and soft limit of the class of replicas, in bytes; 0 = none. */
function replicaLimits(text: string | undefined): [number, number] {
  const words = (text ?? "").split(/\s+/);
  const at = words.findIndex((word) => word === "slave" || word === "replica");
  return at < 0 ? [0, 0] : [Number(words[at + 1]), Number(words[at + 2])];
}
