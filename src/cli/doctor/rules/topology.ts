import { compareVersions } from "../../switchover/plan.js";
import { type Answering, answering, masters, type Rule, replicas, size } from "../facts.js";

/** Bytes behind from which a replica is called late. */
const LATE_BYTES = 1 << 20;
/** Seconds without an acknowledgement from which a replica is called late; they come every second. */
const LATE_SECONDS = 5;

const version = ({ info }: Answering): string | null => info.get("valkey_version") ?? info.get("redis_version") ?? null;

const related = (a: Answering, b: Answering): boolean => {
  const [one, two] = [a.replication, b.replication];
  const known = [one.replid, one.replid2].filter((replid) => replid !== null);
  return known.includes(two.replid) || (two.replid2 !== null && known.includes(two.replid2));
};

/** Who is there, who is what, and who follows whom. */
export const TOPOLOGY_RULES: readonly Rule[] = [
  {
    id: "unreachable",
    judge: ({ nodes }) =>
      nodes.flatMap(({ id, problem, toldBy }) =>
        problem === null || toldBy !== null
          ? []
          : [
              {
                severity: "critical",
                node: id,
                seen: problem,
                why: "a node that can't be asked serves nobody, and is no candidate when the master fails",
                advice: "start it, or take it out of the addresses",
              },
            ],
      ),
  },
  {
    id: "told-address-unreachable",
    judge: ({ nodes }) =>
      nodes.flatMap(({ id, problem, toldBy }) =>
        problem === null || toldBy === null
          ? []
          : [
              {
                severity: "warning",
                node: id,
                seen: `${toldBy} tells of it; from here: ${problem}`,
                why: "clients discover nodes by the addresses that servers tell; behind NAT or in containers these lead nowhere",
                advice: "set replica-announce-ip and replica-announce-port, or give clients a natMap (here: --nat)",
              },
            ],
      ),
  },
  {
    id: "no-master",
    judge: (facts) =>
      answering(facts).length === 0 || masters(facts).length > 0
        ? []
        : [
            {
              severity: "critical",
              seen: "no node that answers is a master",
              why: "nothing can be written",
              advice: "promote the replica with the largest offset: REPLICAOF NO ONE, then let the others follow it",
            },
          ],
  },
  {
    id: "split-brain",
    judge: (facts) =>
      masters(facts).flatMap((one, index, all) =>
        all.slice(index + 1).map((other) => ({
          severity: "critical" as const,
          seen: `${one.id} and ${other.id} are both masters${related(one, other) ? ", of one history" : ", of histories that have nothing in common"}`,
          why: related(one, other)
            ? "what is written to one of them will be lost"
            : "these are two deployments, and clients that are given both can't tell which is theirs",
          advice: related(one, other)
            ? "find out whom the replicas and Sentinels follow, and let the other one follow it: REPLICAOF host port"
            : "give clients the addresses of one of them only",
        })),
      ),
  },
  {
    id: "no-replica",
    judge: (facts) =>
      masters(facts).flatMap((node) =>
        node.replication.replicas.length > 0
          ? []
          : [
              {
                severity: "warning",
                node: node.id,
                seen: "nobody replicates from it",
                why: "when it fails there is nobody to take over, and its data is gone with it",
                advice: "add replicas: REPLICAOF on an empty server",
              },
            ],
      ),
  },
  {
    id: "link-down",
    judge: (facts) =>
      replicas(facts).flatMap(({ id, replication: r }) =>
        r.linkUp || r.syncInProgress
          ? []
          : [
              {
                severity: "critical",
                node: id,
                seen: `its link to ${r.masterHost}:${r.masterPort} is down${r.linkDownSinceS === null || r.linkDownSinceS < 0 ? ", it never was up" : ` for ${r.linkDownSinceS} s`}`,
                why: "it grows older with every write and can't be promoted without loss",
                advice: "look into its log: masterauth, an address that can't be reached, or a full resync that fails",
              },
            ],
      ),
  },
  {
    id: "syncing",
    judge: (facts) =>
      replicas(facts).flatMap(({ id, replication }) =>
        replication.syncInProgress
          ? [
              {
                severity: "warning",
                node: id,
                seen: "a full resync is in progress",
                why: "until it is done the node has old data or none",
                advice: "wait; if it never ends see client-output-buffer-limit and repl-timeout",
              },
            ]
          : [],
      ),
  },
  {
    id: "other-history",
    judge: (facts) =>
      replicas(facts).flatMap(({ id, replication }) => {
        const known = masters(facts).map((node) => node.replication.replid);
        if (!replication.linkUp || replication.syncInProgress || known.length === 0) return [];
        if (known.includes(replication.replid)) return [];
        return [
          {
            severity: "critical",
            node: id,
            seen: `it follows ${replication.masterHost}:${replication.masterPort} in history ${replication.replid}, which no master here shows`,
            why: "it belongs to another deployment, or to a master that was deposed",
            advice: "let it follow the master: REPLICAOF host port",
          },
        ];
      }),
  },
  {
    id: "late-replica",
    judge: (facts) =>
      replicas(facts).flatMap(({ id, aliases, replication }) => {
        const master = masters(facts).find((node) => node.replication.replid === replication.replid);
        if (master === undefined || !replication.linkUp || replication.syncInProgress) return [];
        const behind = master.replication.offset - replication.offset;
        const listed = master.replication.replicas.find(({ host, port }) =>
          [id, ...aliases].includes(`${host}:${port}`),
        );
        const lagS = listed?.lagS ?? 0;
        if (behind < LATE_BYTES && lagS < LATE_SECONDS) return [];
        return [
          {
            severity: "warning",
            node: id,
            seen: `${size(Math.max(0, behind))} behind the master${lagS >= LATE_SECONDS ? `, last heard of ${lagS} s ago` : ""}`,
            why: "readers that ask for fresh data burden the master, and what it lacks is lost if it has to be promoted",
            advice: "look for slow commands (SLOWLOG), swapping, or a network that is too slow for the writes",
          },
        ];
      }),
  },
  {
    id: "chained-replica",
    judge: (facts) =>
      replicas(facts).flatMap(({ id, replication: { masterHost, masterPort } }) => {
        const upstream = `${masterHost}:${masterPort}`;
        const above = replicas(facts).find((node) => [node.id, ...node.aliases].includes(upstream));
        if (above === undefined || above.id === id) return [];
        return [
          {
            severity: "info",
            node: id,
            seen: `it follows ${above.id}, which is itself a replica`,
            why: "WAIT doesn't count it, its link stays up while the one above it hangs, and FAILOVER can't choose it",
            advice: "fine for spreading load over many replicas; else let it follow the master",
          },
        ];
      }),
  },
  {
    id: "two-addresses",
    judge: ({ nodes }) =>
      nodes.flatMap(({ id, aliases }) =>
        aliases.length === 0
          ? []
          : [
              {
                severity: "info",
                node: id,
                seen: `${aliases.join(", ")} ${aliases.length > 1 ? "are" : "is"} the same process`,
                why: "clients that don't compare run_ids count one node as several and open connections to each",
                advice: "give one address per node; replica-announce-ip decides which one servers tell",
              },
            ],
      ),
  },
  {
    id: "versions",
    judge: (facts) =>
      replicas(facts).flatMap((node) => {
        const master = masters(facts).find(({ replication }) => replication.replid === node.replication.replid);
        const order = master === undefined ? 0 : compareVersions(version(node), version(master));
        if (master === undefined || order === 0) return [];
        return [
          {
            severity: order < 0 ? "critical" : "info",
            node: node.id,
            seen: `it runs ${version(node)}, its master ${version(master)}`,
            why:
              order < 0
                ? "an older server may not be able to read a newer one's data, at the latest in the next full resync"
                : "as long as an upgrade is under way this is how it should be; the way back isn't open",
            advice: order < 0 ? "upgrade replicas before their master" : "finish the upgrade: ioreplica switchover",
          },
        ];
      }),
  },
  {
    id: "cluster-mode",
    judge: (facts) =>
      answering(facts).flatMap(({ id, info }) =>
        info.get("redis_mode") !== "cluster"
          ? []
          : [
              {
                severity: "critical",
                node: id,
                seen: "it is a node of a Redis Cluster",
                why: "a cluster spreads keys over many masters; this client talks to one",
                advice: "use Cluster of ioredis",
              },
            ],
      ),
  },
  {
    id: "loading",
    judge: (facts) =>
      answering(facts).flatMap(({ id, info }) =>
        info.get("loading") !== "1"
          ? []
          : [
              {
                severity: "warning",
                node: id,
                seen: `it is loading its data, ${info.get("loading_eta_seconds") ?? "?"} s to go`,
                why: "commands are refused with LOADING meanwhile",
                advice: "wait until it is done",
              },
            ],
      ),
  },
];
