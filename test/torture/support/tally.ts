import { markdownTable } from "markdown-table";
import { ALL } from "../nemesis/deck.js";
import type { Control } from "./controls.js";
import { JUDGED, type Judged, type Numbers, zeros } from "./judge.js";
import type { Options } from "./options.js";
import { type Round, told } from "./round.js";

/** What the rounds of one nemesis came to. */
interface Row {
  rounds: number;
  operations: number;
  readonly checked: Numbers;
  violations: number;
  reported: number;
  silent: number;
  unknown: number;
  failedReads: number;
  pending: number;
  readGapMs: number;
  writeGapMs: number;
}

/** Words for a column. */
const SHORT: Record<Judged, string> = {
  durability: "ack",
  readYourWrites: "RYW",
  monotonicReads: "MR",
  monotonicWrites: "MW",
  writesFollowReads: "WFR",
  strongReads: "strong",
  staleness: "stale",
  noSilentLoss: "no loss",
  sessionTold: "told",
  appliedOnce: "once",
  noInvention: "true",
  poppedOnce: "pops",
  subscriptions: "heard",
};
/** From so many minutes on every nemesis must have had its turn. */
const FULL_MINUTES = 2;

/** Adds up what was looked at and what was wrong, and says at the end whether all of it holds. */
export class Tally {
  controls: readonly Control[] = [];
  readonly #rows = new Map<string, Row>();
  /** Each round once, whatever nemeses it had. */
  readonly #total = emptyRow();
  readonly #wrong: string[] = [];
  /** What was done, round by round. */
  readonly #plan: string[] = [];
  readonly #rejected = new Map<string, number>();
  /** Under load, by set-up and in all. */
  readonly #seconds = new Map<string, number>();

  constructor(private readonly options: Options) {}

  add({ nemesis, judgement, recorder, problems, longestGapMs, setUp, seconds }: Round): void {
    this.#plan.push(nemesis);
    for (const name of ["all", setUp.sentinels ? "Sentinels" : setUp.shape, ...(setUp.tls ? ["TLS"] : [])])
      this.#seconds.set(name, (this.#seconds.get(name) ?? 0) + seconds);
    const broken = JUDGED.reduce((sum, name) => sum + judgement.broken[name], 0);
    for (const row of [this.#total, ...nemesis.split(" + ").map((name) => this.#row(name))]) {
      row.rounds++;
      row.operations += judgement.operations;
      for (const guarantee of JUDGED) row.checked[guarantee] += judgement.checked[guarantee];
      row.violations += broken;
      row.silent += judgement.broken.noSilentLoss;
      row.reported += judgement.lost - judgement.broken.noSilentLoss;
      row.unknown += judgement.unknown;
      row.failedReads += recorder.failedReads;
      row.pending += recorder.pending;
      row.readGapMs = Math.max(row.readGapMs, longestGapMs.reads);
      row.writeGapMs = Math.max(row.writeGapMs, longestGapMs.writes);
    }
    for (const [name, n] of recorder.rejected) this.#rejected.set(name, (this.#rejected.get(name) ?? 0) + n);
    for (const { guarantee, text } of judgement.violations.slice(0, 10))
      this.#wrong.push(`${nemesis}: ${guarantee}: ${text}`);
    for (const problem of problems) this.#wrong.push(`${nemesis}: ${problem}`);
  }

  /** Whether each nemesis has to occur. */
  get isFull(): boolean {
    return this.options.minutes >= FULL_MINUTES && !this.options.partial;
  }

  /** One round in a line. */
  line({ nemesis, judgement, recorder, problems, longestGapMs }: Round): string {
    const broken = JUDGED.filter((guarantee) => judgement.broken[guarantee] > 0);
    const facts = [
      `${judgement.operations} operations`,
      `${judgement.lost} lost`,
      `${judgement.unknown} unknown`,
      `gap ${Math.round(longestGapMs.reads)}/${Math.round(longestGapMs.writes)} ms`,
      ...broken.map((guarantee) => `${judgement.broken[guarantee]} × ${guarantee} BROKEN`),
      ...problems.map((problem) => `! ${problem}`),
      told(recorder.rejected),
    ];
    return `${nemesis.padEnd(20)} ${facts.join(" · ")}`;
  }

  /** Calls that never settle would be taken along into all later rounds. */
  stuck({ recorder }: Round): boolean {
    return recorder.pending > 0;
  }

  /** What must not be; empty = all is well. */
  complaints(noNetwork: boolean): string[] {
    const found = this.controls
      .filter(({ passed }) => !passed)
      .map(({ name }) => `the control "${name}" was not found out`);
    if (this.options.control) return found;
    found.push(...this.#wrong);
    if (this.isFull && !this.#seconds.has("TLS")) found.push("no round went over TLS");
    for (const { name, needsNetwork, loses, keeps } of ALL) {
      const left = (needsNetwork ?? false) && noNetwork && this.options.without.has("netns");
      if (left || !this.options.takes(name)) continue;
      const row = this.#rows.get(name);
      if (row === undefined) {
        if (this.isFull) found.push(`${name} did not occur`);
        continue;
      }
      for (const guarantee of JUDGED)
        if (row.checked[guarantee] === 0 && !(guarantee === "durability" && keeps === "none"))
          found.push(`${guarantee} was never put to the test under ${name}`);
      if (loses === true && row.reported + row.silent === 0) found.push(`${name} took no acknowledged write`);
    }
    return found;
  }

  report(noNetwork: boolean): string {
    const complaints = this.complaints(noNetwork);
    const total = this.#total;
    const checks = JUDGED.reduce((sum, name) => sum + total.checked[name], 0);
    const violations = total.violations === 0 ? "no violation" : `${total.violations} VIOLATIONS`;
    const verdict = `seed ${this.options.seed}: ${complaints.length === 0 ? "all well" : `${complaints.length} complaints`}`;
    return [
      "",
      "Controls, which must be found out:",
      ...this.controls.map(({ name, found, of, passed }) => {
        return `  ${name}: ${found} of ${of} (${((100 * found) / Math.max(1, of)).toFixed(2)} %)${passed ? "" : " NOT FOUND OUT"}`;
      }),
      ...(this.options.control
        ? []
        : [
            "",
            "How often each guarantee was put to the test, by nemesis:",
            this.#guarantees(),
            "",
            "What became of calls (times in ms: the longest without a success of one client):",
            this.#fates(),
            "",
            `rejections: ${told(this.#rejected)}`,
            `time under load: ${this.#shares()}`,
            `${total.operations} operations, ${checks} checks, ${violations}; acknowledged writes lost: ${total.reported} reported, ${total.silent} in silence; ` +
              `${total.unknown} writes of unknown outcome; ${total.pending} calls pending; ${total.failedReads} failed reads`,
          ]),
      "",
      ...complaints.map((text) => `! ${text}`),
      ...(complaints.length === 0 ? [] : [`plan of seed ${this.options.seed}: ${this.#plan.join(", ")}`]),
      verdict,
    ].join("\n");
  }

  #shares(): string {
    const all = this.#seconds.get("all") ?? 0;
    return [...this.#seconds]
      .map(([name, seconds]) => `${name} ${seconds.toFixed(0)} s (${((100 * seconds) / all).toFixed(0)} %)`)
      .join(", ");
  }

  #row(name: string): Row {
    let row = this.#rows.get(name);
    if (row === undefined) this.#rows.set(name, (row = emptyRow()));
    return row;
  }

  #guarantees(): string {
    const rows = [...this.#rows].map(([name, { checked }]) => [name, ...JUDGED.map((one) => String(checked[one]))]);
    return table([["nemesis", ...JUDGED.map((one) => SHORT[one])], ...rows]);
  }

  #fates(): string {
    const rows = [...this.#rows].map(([name, row]) => {
      const { rounds, operations, violations, reported, silent, unknown, pending, failedReads, readGapMs, writeGapMs } =
        row;
      const numbers = [
        rounds,
        operations,
        violations,
        reported,
        silent,
        unknown,
        pending,
        failedReads,
        readGapMs,
        writeGapMs,
      ];
      return [name, ...numbers.map((n) => String(Math.round(n)))];
    });
    const head = ["rounds", "operations", "violations", "lost, reported", "lost, silent", "unknown", "pending"];
    return table([["nemesis", ...head, "failed reads", "no read for", "no write for"], ...rows]);
  }
}

function emptyRow(): Row {
  return {
    rounds: 0,
    operations: 0,
    checked: zeros(),
    violations: 0,
    reported: 0,
    silent: 0,
    unknown: 0,
    failedReads: 0,
    pending: 0,
    readGapMs: 0,
    writeGapMs: 0,
  };
}

function table(rows: readonly (readonly string[])[]): string {
  return markdownTable(rows, { align: ["l", ...(rows[0] ?? []).slice(1).map(() => "r")] });
}
