import type { ReplicationInfo } from "../../protocol/replication-info.js";

/** What was seen before and after, as values. */
export interface Handover {
  /** The old master's id, its history and the highest offset seen there while it was master. */
  readonly from: { readonly id: string; readonly replid: string; readonly offset: number };
  readonly to: { readonly id: string; readonly info: ReplicationInfo; readonly fullSyncsMore: number };
  readonly old: ReplicationInfo | null;
  readonly others: readonly { readonly id: string; readonly info: ReplicationInfo | null }[];
}

export interface Check {
  readonly check: string;
  readonly ok: boolean;
  readonly seen: string;
}

/** Judges by lineage and offsets whether the handover is complete and took nothing with it. */
export function verifyHandover({ from, to, old, others }: Handover): Check[] {
  const { info } = to;
  const checks: Check[] = [];
  const check = (name: string, ok: boolean, seen: string): void => {
    checks.push({ check: name, ok, seen });
  };
  check("the new master is master", info.role === "master", `${to.id} says ${info.role}`);
  check(
    "its history descends from the old master's",
    info.replid2 === from.replid,
    `replid2 ${info.replid2 ?? "none"}, the old master's replid ${from.replid}`,
  );
  check(
    "it has all that the old master was seen to have written",
    info.replid2 === from.replid && info.secondReplOffset > from.offset,
    `second_repl_offset ${info.secondReplOffset}, the old master's last offset ${from.offset}`,
  );
  check(
    "the old master follows it",
    old?.role === "replica" && old.linkUp && old.replid === info.replid,
    old === null ? `${from.id} doesn't answer` : follower(old),
  );
  for (const { id, info: other } of others) {
    check(
      `${id} follows it`,
      other?.role === "replica" && other.linkUp && other.replid === info.replid,
      other === null ? "it doesn't answer" : follower(other),
    );
  }
  // A full resync would wipe and reload a node that had all the data: the histories did not fit after all.
  check("nobody needed a full resync", to.fullSyncsMore === 0, `${to.fullSyncsMore} full resyncs at ${to.id} since`);
  return checks;
}

function follower({ role, masterHost, masterPort, linkUp, replid }: ReplicationInfo): string {
  return role === "master"
    ? `it says master, history ${replid}`
    : `it follows ${masterHost}:${masterPort}, link ${linkUp ? "up" : "down"}, history ${replid}`;
}
