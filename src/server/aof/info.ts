import type { Aof } from "./aof.js";

/** The lines of `INFO persistence` that tell of the append-only log, in two parts as Redis has them. */
export function logInfo(aof: Aof | null): { readonly common: readonly string[]; readonly whenOn: readonly string[] } {
  const rewrite = aof?.rewrite;
  const common = [
    `aof_enabled:${aof === null || aof.state === "off" ? 0 : 1}`,
    `aof_rewrite_in_progress:${rewrite?.inProgress ? 1 : 0}`,
    `aof_rewrite_scheduled:${rewrite?.scheduled ? 1 : 0}`,
    `aof_last_rewrite_time_sec:${rewrite?.lastTookS ?? -1}`,
    `aof_current_rewrite_time_sec:${rewrite?.tookS ?? -1}`,
    `aof_last_bgrewrite_status:${rewrite?.lastOk === false ? "err" : "ok"}`,
    `aof_rewrites:${rewrite?.rewrites ?? 0}`,
    `aof_rewrites_consecutive_failures:${rewrite?.failures ?? 0}`,
    `aof_last_write_status:${aof?.lastWriteError == null ? "ok" : "err"}`,
    "aof_last_cow_size:0",
  ];
  if (aof === null || aof.state === "off") return { common, whenOn: [] };
  const whenOn = [
    `aof_current_size:${aof.currentSize}`,
    `aof_base_size:${aof.baseSize}`,
    "aof_pending_rewrite:0",
    `aof_buffer_length:${aof.bufferLength}`,
    "aof_pending_bio_fsync:0",
    "aof_delayed_fsync:0",
  ];
  return { common, whenOn };
}
