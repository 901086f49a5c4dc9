import { NO_REPLID } from "../../protocol/psync.js";
import type { BacklogState } from "./backlog.js";
import type { History } from "./history.js";

/** A replica as its master sees it. */
export interface AttachedReplica {
  readonly ip: string;
  /** The port it listens on, as it said. */
  readonly port: number;
  readonly state: "wait_bgsave" | "send_bulk" | "online";
  /** Last offset it acknowledged. */
  readonly ackOffset: number;
  /** Whole seconds since its last ACK. */
  readonly lagS: number;
}

/** A link to a master as INFO shows it. Times in whole seconds. */
export interface LinkInfo {
  readonly host: string;
  readonly port: number;
  readonly state: "connect" | "connecting" | "handshake" | "sync" | "connected";
  /** Since the last byte from the master; -1 without a link. */
  readonly lastIoS: number;
  /** Received; the applied offset is the history's. */
  readonly readOffset: number;
  readonly applied: number;
  /** -1 = never linked. */
  readonly downSinceS: number;
  /** While a payload comes in. Total: -1 = not told yet, 0 = only a mark will tell the end. */
  readonly sync: { readonly totalBytes: number; readonly readBytes: number; readonly lastIoS: number } | null;
  readonly priority: number;
  readonly readOnly: boolean;
  readonly announced: boolean;
}

/** All that `INFO replication` shows. */
export interface ReplicationState {
  readonly history: History;
  readonly link: LinkInfo | null;
  readonly replicas: readonly AttachedReplica[];
  /** Null where min-replicas-to-write is off: the field is left out. */
  readonly goodReplicas: number | null;
  readonly failoverState: "no-failover" | "waiting-for-sync" | "failover-in-progress";
  readonly backlog: BacklogState | null;
  /** repl-backlog-size, shown while there is none. */
  readonly backlogSize: number;
}

/** The lines of `INFO replication`, in Redis's order, without the heading. */
export function replicationInfo(state: ReplicationState): string[] {
  const { history, link, backlog } = state;
  const lines = link ? linkLines(link) : ["role:master"];
  lines.push(`connected_slaves:${state.replicas.length}`);
  if (state.goodReplicas !== null) lines.push(`min_slaves_good_slaves:${state.goodReplicas}`);
  state.replicas.forEach((replica, i) => {
    const { ip, port, ackOffset, lagS } = replica;
    lines.push(`slave${i}:ip=${ip},port=${port},state=${replica.state},offset=${ackOffset},lag=${lagS}`);
  });
  lines.push(
    `master_failover_state:${state.failoverState}`,
    `master_replid:${history.replid}`,
    `master_replid2:${history.replid2 ?? NO_REPLID}`,
    `master_repl_offset:${history.offset}`,
    `second_repl_offset:${history.secondReplOffset}`,
    `repl_backlog_active:${backlog ? 1 : 0}`,
    `repl_backlog_size:${state.backlogSize}`,
    `repl_backlog_first_byte_offset:${backlog?.firstByte ?? 0}`,
    `repl_backlog_histlen:${backlog?.length ?? 0}`,
  );
  return lines;
}

function linkLines(link: LinkInfo): string[] {
  const lines = [
    "role:slave",
    `master_host:${link.host}`,
    `master_port:${link.port}`,
    `master_link_status:${link.state === "connected" ? "up" : "down"}`,
    `master_last_io_seconds_ago:${link.lastIoS}`,
    `master_sync_in_progress:${link.sync ? 1 : 0}`,
    `slave_read_repl_offset:${link.readOffset}`,
    `slave_repl_offset:${link.applied}`,
  ];
  if (link.sync) lines.push(...syncLines(link.sync));
  if (link.state !== "connected") lines.push(`master_link_down_since_seconds:${link.downSinceS}`);
  lines.push(
    `slave_priority:${link.priority}`,
    `slave_read_only:${link.readOnly ? 1 : 0}`,
    `replica_announced:${link.announced ? 1 : 0}`,
  );
  return lines;
}

function syncLines({ totalBytes, readBytes, lastIoS }: NonNullable<LinkInfo["sync"]>): string[] {
  // Before the size is known Redis divides by -1, and shows what comes of it.
  const percent = totalBytes > 0 ? ((readBytes / totalBytes) * 100).toFixed(2) : totalBytes < 0 ? "-0.00" : "0.00";
  return [
    `master_sync_total_bytes:${totalBytes}`,
    `master_sync_read_bytes:${readBytes}`,
    `master_sync_left_bytes:${totalBytes - readBytes}`,
    `master_sync_perc:${percent}`,
    `master_sync_last_io_seconds_ago:${lastIoS}`,
  ];
}
