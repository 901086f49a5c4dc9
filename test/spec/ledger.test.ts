import { expect, test } from "vitest";
import { KeyLedger, type WriteHandle } from "../../src/client/consistency/key-ledger.js";
import { WriteHistory } from "../../src/client/consistency/write-history.js";
import { strictCase, uniqueNames } from "../support/strict-case.js";
import table from "./ledger.json" with { type: "json" };

type Key = string | number | { hex: string };
type Fields = Record<string, unknown>;
interface Case {
  name: string;
  trackedKeys?: number;
  steps: Fields[];
}

const cases = uniqueNames(table as unknown as Case[]);
const keyOf = (key: Key): unknown => (typeof key === "object" ? Buffer.from(key.hex, "hex") : key);
const needOf = (is: unknown): number => (is === "MASTER" ? Number.POSITIVE_INFINITY : (is as number));

class Story {
  readonly history = new WriteHistory();
  readonly ledger: KeyLedger;
  readonly #writes = new Map<unknown, WriteHandle>();
  readonly #fences = new Map<unknown, number>();

  constructor(trackedKeys = 10_000) {
    this.ledger = new KeyLedger({ trackedKeys, history: this.history });
  }

  /** A step is named by its first field. */
  tell(step: Fields): void {
    const verb = Object.keys(step)[0] as string;
    const [fields, run] = this.#verbs[verb] ?? [[], undefined];
    if (!run) throw new Error(`unknown step ${JSON.stringify(step)}`);
    strictCase(step, [verb, ...fields]);
    run(step);
  }

  #write(name: unknown): WriteHandle {
    const write = this.#writes.get(name);
    if (!write) throw new Error(`no write is named ${String(name)}`);
    return write;
  }

  #fact(name: string, get: () => number): [string, [string[], (step: Fields) => void]] {
    return [name, [[], (step) => expect(get(), JSON.stringify(step)).toBe(needOf(step[name]))]];
  }

  readonly #verbs: Record<string, [fields: string[], run: (step: Fields) => void]> = {
    issue: [
      ["keys"],
      ({ issue, keys }) => {
        const args = (keys as Key[]).map(keyOf);
        const { ledger } = this;
        const write = args.length === 1 ? ledger.issue(0, args[0]) : ledger.issueKeys(0, args, [...args.keys()]);
        this.#writes.set(issue, write);
      },
    ],
    issueUnknown: [[], ({ issueUnknown }) => void this.#writes.set(issueUnknown, this.ledger.issueUnknown())],
    acked: [[], ({ acked }) => this.ledger.acked(this.#write(acked))],
    ackedElsewhere: [[], ({ ackedElsewhere }) => this.ledger.ackedElsewhere(this.#write(ackedElsewhere))],
    unknown: [[], ({ unknown }) => this.ledger.unknown(this.#write(unknown))],
    notApplied: [[], ({ notApplied }) => this.ledger.notApplied(this.#write(notApplied))],
    fenceSent: [[], ({ fenceSent }) => void this.#fences.set(fenceSent, this.ledger.fenceSent())],
    fenceReplied: [
      ["offset", "counts"],
      ({ fenceReplied, offset, counts }) => {
        const ticket = this.#fences.get(fenceReplied) as number;
        expect(this.ledger.fenceReplied(ticket, offset as number)).toBe(counts ?? true);
      },
    ],
    fence: [
      ["unknownSettled"],
      ({ fence, unknownSettled }) => {
        const about = { unknownSettled: unknownSettled === true };
        this.ledger.fenceReplied(this.ledger.fenceSent(), fence as number, about);
      },
    ],
    sweep: [[], ({ sweep }) => this.ledger.sweep(sweep as number)],
    forget: [[], ({ forget }) => this.history.forget(forget as number)],
    adopt: [
      ["link", "offset", "loss", "keys", "keysComplete"],
      (step) => {
        const { adopt, link: given, offset, loss, keys, keysComplete } = step;
        const link = given ? { ...(given as { from: string; to: string; at: number | "never" }) } : null;
        const at = link?.at === "never" ? Number.POSITIVE_INFINITY : (link?.at ?? 0);
        const report = this.ledger.adopt(adopt as string, link && { ...link, at }, offset as number | null);
        if (loss === null) expect(report).toBeNull();
        if (Array.isArray(loss)) expect([report?.lost.min, report?.lost.max, report?.unproven]).toEqual(loss);
        if (keys !== undefined) expect(report?.keys).toEqual(keys);
        if (keysComplete !== undefined) expect(report?.keysComplete).toBe(keysComplete);
      },
    ],
    need: [
      ["db", "is"],
      (step) => {
        const { need, db, is } = step;
        const key = keyOf(need as Key);
        expect(this.ledger.need((db as number | undefined) ?? 0, key), JSON.stringify(step)).toBe(needOf(is));
      },
    ],
    needOf: [
      ["is"],
      ({ needOf: keys, is }) => {
        const args = (keys as Key[]).map(keyOf);
        expect(this.ledger.needOf(0, args, [...args.keys()])).toBe(needOf(is));
      },
    ],
    ...Object.fromEntries([
      this.#fact("ceiling", () => this.ledger.ceiling),
      this.#fact("floor", () => this.ledger.floor),
      this.#fact("droppedFloor", () => this.ledger.droppedFloor),
      this.#fact("size", () => this.ledger.size),
      this.#fact("pending", () => this.ledger.pending),
      this.#fact("unresolved", () => this.ledger.unresolved),
      this.#fact("unsettled", () => this.ledger.unsettled),
    ]),
  };
}

test.each(cases)("$name", (one) => {
  strictCase(one, ["name", "trackedKeys", "steps"]);
  const story = new Story(one.trackedKeys);
  for (const step of one.steps) story.tell(step);
});
