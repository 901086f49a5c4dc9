import { totalmem } from "node:os";
import { STARTUP_BYTES } from "../../memory/memory.js";
import type { ServerCore } from "../../server-core.js";
import { humanBytes } from "./human-bytes.js";

/** The memory section of INFO: figures of the server's own account, but for those of the process (rss). */
export function memoryInfo(server: ServerCore): string[] {
  const { rss } = process.memoryUsage();
  const { memory, config } = server;
  const used = memory.used();
  const net = used.total - STARTUP_BYTES;
  const system = totalmem();
  const ratio = (rss / used.total).toFixed(2);
  return [
    `used_memory:${used.total}`,
    `used_memory_human:${humanBytes(used.total)}`,
    `used_memory_rss:${rss}`,
    `used_memory_rss_human:${humanBytes(rss)}`,
    `used_memory_peak:${memory.peak}`,
    `used_memory_peak_human:${humanBytes(memory.peak)}`,
    `used_memory_peak_perc:${((used.total * 100) / memory.peak).toFixed(2)}%`,
    `used_memory_overhead:${used.total - used.data}`,
    `used_memory_startup:${STARTUP_BYTES}`,
    `used_memory_dataset:${used.data}`,
    `used_memory_dataset_perc:${(net === 0 ? 0 : (used.data * 100) / net).toFixed(2)}%`,
    `allocator_allocated:${used.total}`,
    `allocator_active:${used.total}`,
    `allocator_resident:${rss}`,
    `total_system_memory:${system}`,
    `total_system_memory_human:${humanBytes(system)}`,
    ...scriptingLines(server),
    `maxmemory:${memory.limit}`,
    `maxmemory_human:${humanBytes(memory.limit)}`,
    `maxmemory_policy:${config.text("maxmemory-policy")}`,
    "allocator_frag_ratio:1.00",
    "allocator_frag_bytes:0",
    `allocator_rss_ratio:${ratio}`,
    `allocator_rss_bytes:${rss - used.total}`,
    "rss_overhead_ratio:1.00",
    "rss_overhead_bytes:0",
    `mem_fragmentation_ratio:${ratio}`,
    `mem_fragmentation_bytes:${rss - used.total}`,
    `mem_not_counted_for_evict:${used.replicas}`,
    `mem_replication_backlog:${used.backlog}`,
    `mem_total_replication_buffers:${used.backlog + used.replicas}`,
    `mem_clients_slaves:${used.replicas}`,
    `mem_clients_normal:${used.normal}`,
    "mem_cluster_links:0",
    "mem_aof_buffer:0",
    "mem_allocator:v8",
    "active_defrag_running:0",
    "lazyfree_pending_objects:0",
    `lazyfreed_objects:${server.stats.lazyFreed}`,
  ];
}

/** What scripts, functions and the Lua states that they run in take. */
function scriptingLines({ scripting: { scripts, libraries } }: ServerCore): string[] {
  const evalVm = scripts.memoryBytes;
  const functionVm = libraries.memoryBytes;
  const functions = libraries.dump().reduce((sum, code) => sum + code.length, 0);
  const cached = scripts.cachedBytes;
  return [
    `used_memory_lua:${evalVm}`,
    `used_memory_vm_eval:${evalVm}`,
    `used_memory_lua_human:${humanBytes(evalVm)}`,
    `used_memory_scripts_eval:${cached}`,
    `number_of_cached_scripts:${scripts.size}`,
    `number_of_functions:${libraries.functions.size}`,
    `number_of_libraries:${libraries.byName.size}`,
    `used_memory_vm_functions:${functionVm}`,
    `used_memory_vm_total:${evalVm + functionVm}`,
    `used_memory_vm_total_human:${humanBytes(evalVm + functionVm)}`,
    `used_memory_functions:${functions}`,
    `used_memory_scripts:${cached + functions}`,
    `used_memory_scripts_human:${humanBytes(cached + functions)}`,
  ];
}
