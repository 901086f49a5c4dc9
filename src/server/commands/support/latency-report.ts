import type { LatencySeries } from "../../dispatch/latency-monitor.js";
import type { ServerCore } from "../../server-core.js";

/** LATENCY DOCTOR: what was measured, and what could be done about it. */
export function latencyReport(server: ServerCore): string {
  const { events, thresholdMicros } = server.latency;
  if (events.size === 0) {
    return Number.isFinite(thresholdMicros)
      ? "Nothing took as long as latency-monitor-threshold so far.\n"
      : "Latency monitoring is off. CONFIG SET latency-monitor-threshold <milliseconds> turns it on.\n";
  }
  const nowS = Math.floor(server.clock.epoch() / 1000);
  const lines = [...events].map(([event, series], i) => `${i + 1}. ${event}: ${figures(series, nowS)}`);
  const advice = new Set([...events.keys()].flatMap((event) => adviceOn(event, server)));
  return ["Delays seen:", "", ...lines, "", "Advice:", "", ...[...advice].map((line) => `- ${line}`), ""].join("\n");
}

function figures({ samples, maxMs }: LatencySeries, nowS: number): string {
  const all = samples.map(({ ms }) => ms);
  const average = all.reduce((sum, ms) => sum + ms, 0) / all.length;
  const deviation = all.reduce((sum, ms) => sum + Math.abs(ms - average), 0) / all.length;
  const periodS = (nowS - (samples.at(0)?.atS ?? nowS)) / all.length;
  return (
    `${all.length} latency spikes (average ${Math.floor(average)}ms, mean deviation ${Math.floor(deviation)}ms, ` +
    `period ${periodS.toFixed(2)} sec). Worst all time event ${maxMs}ms.`
  );
}

function adviceOn(event: string, server: ServerCore): string[] {
  if (event === "fast-command") {
    return [
      "A command that never takes long did: the process got no processor time, or shares its thread with long work.",
    ];
  }
  if (event === "expire-cycle") return ["Many keys expire at once: spread their times to live."];
  if (event.startsWith("eviction-"))
    return ["Keys are evicted in masses: give it more maxmemory, or write less at once."];
  if (event.startsWith("aof-") || event.startsWith("rdb-")) {
    return [
      "The disk keeps the process waiting: see what else writes to it, or whether appendfsync everysec or no would do.",
    ];
  }
  const slowerThan = server.config.number("slowlog-log-slower-than");
  const hidden = slowerThan < 0 || slowerThan > server.latency.thresholdMicros;
  return [
    hidden
      ? `The slow log doesn't show these commands: CONFIG SET slowlog-log-slower-than ${server.latency.thresholdMicros} lets it.`
      : "SLOWLOG GET shows which commands these were.",
    "Commands on large values take long: split values that have grown large.",
  ];
}
