import { logInfo } from "../aof/info.js";
import type { ServerCore } from "../server-core.js";
import type { Saver } from "./saver.js";

/** The lines of `INFO persistence`, without the heading. Nothing is forked here: what copying on write
 * costs elsewhere is what a snapshot had to write ahead of changes. */
export function persistenceInfo(server: ServerCore, saver: Saver): string[] {
  const { loader, snapshots, effects } = server;
  const active = snapshots.active;
  const log = logInfo(server.aof);
  return [
    `loading:${loader.loading ? 1 : 0}`,
    `async_loading:${loader.loadingAside ? 1 : 0}`,
    `current_cow_peak:${active?.aheadBytes ?? 0}`,
    `current_cow_size:${active?.aheadBytes ?? 0}`,
    "current_cow_size_age:0",
    `current_fork_perc:${active === null || active.total === 0 ? "0.00" : ((active.written / active.total) * 100).toFixed(2)}`,
    `current_save_keys_processed:${active?.written ?? 0}`,
    `current_save_keys_total:${active?.total ?? 0}`,
    `rdb_changes_since_last_save:${effects.totalDirty}`,
    `rdb_bgsave_in_progress:${saver.inProgress || active?.kind.startsWith("replicas") ? 1 : 0}`,
    `rdb_last_save_time:${saver.lastSaveS}`,
    `rdb_last_bgsave_status:${saver.lastOk ? "ok" : "err"}`,
    `rdb_last_bgsave_time_sec:${saver.lastTookS}`,
    `rdb_current_bgsave_time_sec:${saver.tookS}`,
    `rdb_saves:${saver.saves}`,
    `rdb_last_cow_size:${saver.lastAheadBytes}`,
    `rdb_last_load_keys_expired:${loader.lastExpired}`,
    `rdb_last_load_keys_loaded:${loader.lastKeys}`,
    ...log.common,
    "module_fork_in_progress:0",
    "module_fork_last_cow_size:0",
    ...log.whenOn,
    ...loader.lines(),
  ];
}
