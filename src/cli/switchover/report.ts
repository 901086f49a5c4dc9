import pc from "picocolors";
import type { Check } from "./verify.js";

/** What a switchover came to; printed as JSON it is this. */
export interface Report {
  readonly outcome: "done" | "wouldGo" | "refused" | "givenUp" | "unreachable" | "uncertain" | "incomplete";
  readonly reason: string | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly refusals: readonly string[];
  readonly warnings: readonly string[];
  /** Other replicas that follow the new master; in a dry run: that would. */
  readonly repointed: readonly string[];
  readonly checks: readonly Check[];
  /** From the command until the new master was seen: the time in which writes stood still at most. */
  readonly durationMs: number | null;
}

const HEADLINES: Readonly<Record<Report["outcome"], string>> = {
  done: "done and verified",
  wouldGo: "would go; nothing was changed (--dry-run)",
  refused: "refused; nothing was changed",
  givenUp: "given up; nothing was changed",
  unreachable: "no node answers",
  uncertain: "UNCERTAIN; look at the nodes",
  incomplete: "switched, but NOT all is as it should be",
};

/** For people. */
export function reportText(report: Report): string {
  const { outcome, from, to, refusals, warnings, repointed, checks, durationMs, reason } = report;
  const good = outcome === "done" || outcome === "wouldGo";
  const lines: string[] = [];
  if (from !== null)
    lines.push(`${from} → ${to ?? "?"}${repointed.length > 0 ? `, with ${repointed.join(", ")}` : ""}`);
  for (const warning of warnings) lines.push(pc.yellow(`! ${warning}`));
  for (const refusal of refusals) lines.push(pc.red(`✗ ${refusal}`));
  for (const { check, ok, seen } of checks) lines.push(ok ? pc.green(`✓ ${check}`) : pc.red(`✗ ${check}: ${seen}`));
  if (durationMs !== null) lines.push(`the new master was there after ${durationMs} ms`);
  const shown = reason === null || refusals.length > 0 || checks.some(({ ok }) => !ok) ? "" : `: ${reason}`;
  const headline = `${HEADLINES[outcome]}${shown}`;
  lines.push(good ? pc.green(headline) : pc.red(headline));
  return `${lines.join("\n")}\n`;
}
