import type { DeploymentFacts, Finding, Rule, Severity } from "./facts.js";
import { ACCESS_RULES } from "./rules/access.js";
import { DURABILITY_RULES } from "./rules/durability.js";
import { SENTINEL_RULES } from "./rules/sentinel.js";
import { SETTINGS_RULES } from "./rules/settings.js";
import { TOPOLOGY_RULES } from "./rules/topology.js";

/** All that is checked. */
export const RULES: readonly Rule[] = [
  ...TOPOLOGY_RULES,
  ...DURABILITY_RULES,
  ...SETTINGS_RULES,
  ...ACCESS_RULES,
  ...SENTINEL_RULES,
];

const ORDER: Readonly<Record<Severity, number>> = { critical: 0, warning: 1, info: 2 };

/** What endangers this deployment, the worst first. */
export function diagnose(facts: DeploymentFacts): Finding[] {
  return RULES.flatMap(({ id, judge }) => judge(facts).map((found) => ({ rule: id, node: null, ...found }))).sort(
    (a, b) => ORDER[a.severity] - ORDER[b.severity],
  );
}

/** Findings of these weights make a problem; what is merely worth knowing doesn't. */
export function isProblem({ severity }: Finding): boolean {
  return severity !== "info";
}
