import { afterEach, expect, it, vi } from "vitest";
import { LinkTable } from "../../src/client/consistency/history.js";
import { KeyLedger } from "../../src/client/consistency/key-ledger.js";
import { Samples } from "../../src/client/consistency/samples.js";
import { CausalSession } from "../../src/client/consistency/session.js";
import { WriteHistory } from "../../src/client/consistency/write-history.js";
import { Operation } from "../../src/client/engine/operation.js";
import type { ViewOptions } from "../../src/index.js";
import type { Guarantee } from "../checker/history.js";
import { simulate } from "./support/run.js";

afterEach(() => {
  vi.restoreAllMocks();
});

/** A rule that is taken away, and what of the guarantees breaks without it. */
interface Mutation {
  readonly rule: string;
  readonly breaks: readonly Guarantee[];
  remove(): void;
  /** The option of a view that takes it away. */
  readonly view?: ViewOptions;
  /** Where it is known to show. */
  readonly seeds?: readonly number[];
}

const MOST_SEEDS = 120;

const mutations: readonly Mutation[] = [
  {
    rule: "a value is handed out only behind a good fence",
    breaks: ["readYourWrites", "monotonicReads", "staleness"],
    remove: () => void vi.spyOn(Operation.prototype, "fenced", "get").mockReturnValue(false),
  },
  {
    rule: "a node enters the rotation only with a mark at the dropped floor",
    breaks: ["readYourWrites"],
    remove: () => void vi.spyOn(KeyLedger.prototype, "droppedFloor", "get").mockReturnValue(-1),
  },
  {
    rule: "a key that was written is read where the write surely is",
    breaks: ["readYourWrites"],
    remove() {
      vi.spyOn(KeyLedger.prototype, "needOf").mockReturnValue(0);
      vi.spyOn(KeyLedger.prototype, "need").mockReturnValue(0);
    },
  },
  {
    rule: "a causal session has a floor over all keys",
    breaks: ["readYourWrites", "monotonicReads"],
    remove: () => void vi.spyOn(CausalSession.prototype, "need").mockReturnValue(0),
  },
  {
    rule: "tokens hold in another history only below the fork",
    breaks: ["sessionTold", "readYourWrites", "monotonicReads"],
    remove: () => void vi.spyOn(LinkTable.prototype, "forkOf").mockReturnValue(Number.POSITIVE_INFINITY),
  },
  {
    rule: "a session is told of a loss before its next success",
    breaks: ["sessionTold"],
    remove: () => void vi.spyOn(CausalSession.prototype, "takeUntold").mockReturnValue(null),
  },
  {
    rule: "lost writes are judged by their brackets",
    breaks: ["noSilentLoss"],
    remove: () =>
      void vi.spyOn(WriteHistory.prototype, "judge").mockReturnValue({
        ...{ lost: { min: 0, max: 0 }, unproven: 0, fromOffset: 0, toOffset: 0 },
        ...{ keys: [], keysComplete: true },
      }),
  },
  {
    rule: "what survived a failover can be lost by the next",
    breaks: ["noSilentLoss"],
    seeds: [317],
    remove() {
      const real = WriteHistory.prototype.continueIn;
      vi.spyOn(WriteHistory.prototype, "continueIn").mockImplementation(function (this: WriteHistory) {
        real.call(this, null);
      });
    },
  },
  {
    rule: "a bound on staleness counts from samples of the master",
    breaks: ["staleness"],
    remove() {
      // By the one a node is chosen, by the other it is judged again when the read is sent.
      vi.spyOn(Samples.prototype, "offsetWithin").mockReturnValue(0);
      vi.spyOn(Samples.prototype, "stalenessOf").mockReturnValue(0);
    },
  },
  {
    rule: "what was sent and not answered is not sent again",
    breaks: ["appliedOnce"],
    view: { retryUnknown: true },
    remove: () => undefined,
  },
];

it.each(mutations)(
  "without the rule that $rule a run breaks",
  { timeout: 120_000 },
  async ({ breaks, remove, view, seeds }) => {
    remove();
    let found: Guarantee | null = null;
    for (const seed of seeds ?? Array.from({ length: MOST_SEEDS }, (_, place) => place)) {
      const { verdict } = await simulate(seed, view === undefined ? {} : { view });
      found = verdict.violations.find(({ guarantee }) => breaks.includes(guarantee))?.guarantee ?? null;
      if (found !== null) break;
    }
    expect(breaks).toContain(found);
  },
);
