import type { ResolvedView } from "../options/resolved.js";
import type { HealthReport } from "../types.js";
import type { Engine } from "./engine.js";

/** The answer for probes: `ok` while commands of this view can be served. Made of what is known; nobody is asked. */
export function healthReport(engine: Engine, view: ResolvedView, status: string): HealthReport {
  const { state, master, replicas } = engine.topology;
  const known = replicas
    .filter(({ stalenessMs }) => stalenessMs !== null)
    .map(({ stalenessMs }) => stalenessMs as number);
  const staleMs = known.length > 0 ? Math.round(Math.min(...known)) : master ? 0 : null;
  const reasons: string[] = [];
  if (status === "end") reasons.push("the client is closed");
  else if (!engine.ready) reasons.push(...engine.errors.reasons().map(({ node, reason }) => `${node}: ${reason}`));
  if (view.maxStalenessMs !== null && !master && staleMs !== null && staleMs > view.maxStalenessMs)
    reasons.push(`the freshest replica may be ${staleMs} ms behind, ${view.maxStalenessMs} are tolerated`);
  return { ok: engine.ready && reasons.length === 0, state, master: master?.id ?? null, staleMs, reasons };
}
