import pc from "picocolors";
import { resolveOptions } from "../../client/options/resolve.js";
import { clientOptions, type TargetFlags } from "../target/flags.js";
import { collect } from "./collect.js";
import { diagnose, isProblem, RULES } from "./diagnose.js";
import type { DeploymentFacts, Finding } from "./facts.js";

/** What `ioreplica doctor` takes. */
export interface DoctorFlags extends TargetFlags {
  /** Seconds between the two looks. */
  readonly seconds: number;
  readonly json: boolean;
}

const ASKED_WITHIN_MS = 3000;

/**
 * Checks a deployment and says what endangers it. Nothing is changed.
 *
 * @returns the exit code: 0 no problem, 1 problems, 2 no node answers
 */
export async function runDoctor(urls: readonly string[], flags: DoctorFlags): Promise<number> {
  const options = resolveOptions(clientOptions(urls, flags));
  const facts = await collect(options, flags.seconds, ASKED_WITHIN_MS);
  const findings = diagnose(facts);
  const reached = facts.nodes.some(({ replication }) => replication !== null);
  const exitCode = !reached ? 2 : findings.some(isProblem) ? 1 : 0;
  process.stdout.write(flags.json ? `${JSON.stringify(asJson(facts, findings), null, 2)}\n` : asText(facts, findings));
  return exitCode;
}

function asJson(facts: DeploymentFacts, findings: readonly Finding[]): object {
  const nodes = facts.nodes.map(({ id, replication, problem }) => ({ id, role: replication?.role ?? null, problem }));
  const sentinels = facts.sentinels.map(({ id, problem }) => ({ id, problem }));
  return { rules: RULES.length, nodes, sentinels, findings };
}

/** For people. */
export function asText(facts: DeploymentFacts, findings: readonly Finding[]): string {
  const marks = { critical: pc.red("critical"), warning: pc.yellow("warning "), info: pc.cyan("info    ") };
  const lines = findings.flatMap(({ severity, rule, node, seen, why, advice }) => [
    `${marks[severity]}  ${pc.bold(node === null ? seen : `${node}: ${seen}`)}  ${pc.dim(`[${rule}]`)}`,
    `          why: ${why}`,
    `          do:  ${advice}`,
    "",
  ]);
  const asked = facts.nodes.filter(({ replication }) => replication !== null).length;
  const problems = findings.filter(isProblem).length;
  const nodes = `${asked} of ${facts.nodes.length} nodes asked, ${RULES.length} rules`;
  lines.push(
    problems === 0
      ? pc.green(`no problem (${nodes})`)
      : pc.red(`${problems} ${problems === 1 ? "problem" : "problems"} (${nodes})`),
  );
  return `${lines.join("\n")}\n`;
}
