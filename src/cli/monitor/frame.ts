import pc from "picocolors";
import type { NodeDescription, Topology } from "../../client/types.js";
import { tableOf } from "../table.js";
import type { Rates } from "./rates.js";

/** What is shown at one moment. */
export interface MonitorView {
  readonly topology: Topology;
  readonly rates: ReadonlyMap<string, Rates | null>;
  /** Lines of the latest events, the oldest first. */
  readonly events: readonly string[];
}

const number = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : value.toLocaleString("en");
const milliseconds = (value: number | null, digits = 0): string =>
  value === null ? "–" : `${value.toFixed(digits)} ms`;

/** Health, and beside it what keeps reads away from a node that is up. */
function healthCell({ health, circuit, reason }: NodeDescription): string {
  const why = reason === undefined ? "" : ` ${reason}`;
  if (health !== "up") return pc.red(`${health}${why}`);
  if (circuit === "closed") return pc.green("up");
  return pc.yellow(`up, ${circuit === "open" ? "resting" : "on trial"}${why === "" ? "" : `:${why}`}`);
}

const tagsCell = ({ tags }: NodeDescription): string =>
  Object.entries(tags)
    .map(([name, value]) => `${name}=${value}`)
    .join(", ") || "–";

/** The nodes, the master first. Columns for zone and tags are there if any node has one. */
export function nodesTable({ topology, rates }: Pick<MonitorView, "topology" | "rates">): string {
  const rank = ({ role }: NodeDescription): number => ({ master: 0, replica: 1, unknown: 2 })[role];
  const nodes = [...topology.nodes].sort((a, b) => rank(a) - rank(b) || a.id.localeCompare(b.id));
  const zoned = nodes.some(({ zone }) => zone !== null);
  const tagged = nodes.some(({ tags }) => Object.keys(tags).length > 0);
  return tableOf(
    [
      { head: "node" },
      { head: "role" },
      { head: "health" },
      ...(zoned ? [{ head: "zone" }] : []),
      ...(tagged ? [{ head: "tags" }] : []),
      ...["offset", "behind", "stale", "round trip", "reads/s", "writes/s"].map(
        (head) => ({ head, align: "right" }) as const,
      ),
    ],
    nodes.map((node) => [
      node.id,
      node.id === topology.master?.id ? pc.green("master") : node.role === "master" ? pc.red("master?") : node.role,
      healthCell(node),
      ...(zoned ? [node.zone ?? "–"] : []),
      ...(tagged ? [tagsCell(node)] : []),
      number(node.offset),
      node.lagBytes === null ? "–" : `${number(node.lagBytes)} B`,
      node.role === "replica" ? milliseconds(node.stalenessMs) : "–",
      milliseconds(node.latencyMs, 2),
      number(rates.get(node.id)?.reads),
      number(rates.get(node.id)?.writes),
    ]),
  );
}

/** The whole frame, a line per element. */
export function monitorFrame(view: MonitorView): string[] {
  const { state, master } = view.topology;
  const headline = state === "stable" ? pc.green(`stable, master ${master?.id}`) : pc.red(state);
  return [headline, "", ...nodesTable(view).split("\n"), "", ...view.events];
}
