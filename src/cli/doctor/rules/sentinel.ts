import { masters, type Rule, replicas, type SentinelFacts } from "../facts.js";

/** What a failover by Sentinel takes beyond down-after-milliseconds. */
const PROMOTION_MS = 3000;

const answering = (sentinels: readonly SentinelFacts[]): SentinelFacts[] =>
  sentinels.filter(({ problem }) => problem === null);

/** Whether the Sentinels can do what they are for. */
export const SENTINEL_RULES: readonly Rule[] = [
  {
    id: "sentinel-unreachable",
    judge: ({ sentinels }) => {
      const silent = sentinels.filter(({ problem }) => problem !== null);
      const majority = Math.floor(sentinels.length / 2) + 1;
      return silent.map(({ id, problem }) => ({
        severity: sentinels.length - silent.length < majority ? "critical" : "warning",
        node: id,
        seen: problem ?? "",
        why: "a failover needs a majority of all Sentinels, those that are gone included",
        advice: "start it; one that is gone for good is forgotten with SENTINEL RESET on the others, one by one",
      }));
    },
  },
  {
    id: "few-sentinels",
    judge: ({ sentinels }) => {
      const known = Math.max(sentinels.length, ...answering(sentinels).map(({ others }) => others + 1));
      if (sentinels.length === 0 || known >= 3) return [];
      return [
        {
          severity: "warning",
          seen: `there ${known === 1 ? "is one Sentinel" : `are ${known} Sentinels`}`,
          why: "with fewer than three the loss of one machine leaves no majority, and nobody is promoted",
          advice: "run three or more, on machines that fail independently",
        },
      ];
    },
  },
  {
    id: "sentinel-quorum",
    judge: ({ sentinels }) =>
      answering(sentinels).flatMap(({ id, quorum, others }) => {
        const all = others + 1;
        if (quorum <= all && (quorum > 1 || all === 1)) return [];
        return [
          {
            severity: quorum > all ? "critical" : "warning",
            node: id,
            seen: `quorum is ${quorum}, of ${all} Sentinels`,
            why:
              quorum > all
                ? "so many never agree, so nobody is ever promoted"
                : "the view of one Sentinel alone starts a failover: cut off from a healthy master it has it replaced",
            advice: `SENTINEL SET … quorum ${Math.floor(all / 2) + 1} on every Sentinel`,
          },
        ];
      }),
  },
  {
    id: "sentinels-disagree",
    judge: ({ sentinels }) => {
      const named = new Set(answering(sentinels).map(({ master }) => master));
      if (named.size < 2) return [];
      return [
        {
          severity: "critical",
          seen: answering(sentinels)
            .map(({ id, master }) => `${id} names ${master}`)
            .join(", "),
          why: "clients are sent to different masters; for a moment in a failover that is so",
          advice: "look again in a minute; if it lasts, the Sentinels don't reach each other",
        },
      ];
    },
  },
  {
    id: "sentinel-names-another",
    judge: (facts) => {
      const [master, second] = masters(facts);
      if (master === undefined || second !== undefined) return [];
      const own = [master.id, ...master.aliases];
      return answering(facts.sentinels).flatMap(({ id, master: named }) =>
        named === null || own.includes(named)
          ? []
          : [
              {
                severity: "critical",
                node: id,
                seen: `it names ${named}, and the master is ${master.id}`,
                why: "clients that ask it go to the wrong node; it may undo a promotion that it knows nothing of",
                advice:
                  "change masters through Sentinel (ioreplica switchover --sentinel), and wait for a failover to end",
              },
            ],
      );
    },
  },
  {
    id: "sentinel-slower-than-clients",
    judge: ({ sentinels, failoverTimeoutMs }) =>
      answering(sentinels).flatMap(({ id, downAfterMs }) =>
        downAfterMs + PROMOTION_MS <= failoverTimeoutMs
          ? []
          : [
              {
                severity: "warning",
                node: id,
                seen: `down-after-milliseconds is ${downAfterMs}; a client waits ${failoverTimeoutMs} ms for a master`,
                why: "calls reject with NO_MASTER before Sentinel has promoted anybody",
                advice: "SENTINEL SET … down-after-milliseconds 5000, or a longer failoverTimeoutMs",
              },
            ],
      ),
  },
  {
    id: "sentinel-misses-replicas",
    judge: (facts) =>
      answering(facts.sentinels).flatMap(({ id, replicas: known }) => {
        const all = replicas(facts).length;
        if (known >= all) return [];
        return [
          {
            severity: "warning",
            node: id,
            seen: `it knows ${known} replicas of ${all}`,
            why: "it neither promotes the others nor tells them to follow a new master",
            advice:
              "it learns of them from the master's INFO within 10 s; see replica-announced and the addresses they announce",
          },
        ];
      }),
  },
];
