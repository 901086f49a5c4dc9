import { expect, it } from "vitest";
import { check } from "./check.js";
import { type History, MOST_TEXTS, type Operation } from "./history.js";

/** A history in few words: each operation as a tuple; times are places in the list unless given. */
function history(
  operations: readonly Partial<Operation>[],
  order: readonly string[],
  rest: Partial<History> = {},
): History {
  const lists = new Map<string, string[]>();
  for (const value of order) {
    const key = value.slice(0, 1);
    lists.set(key, [...(lists.get(key) ?? []), value]);
  }
  const whole = operations.map((one, place) => ({
    kind: one.value === undefined ? ("read" as const) : ("append" as const),
    client: "c",
    session: "s",
    promise: "causal" as const,
    key: one.key ?? (one.value ?? one.values?.[0] ?? "a").slice(0, 1),
    invoked: place * 10,
    returned: place * 10 + 5,
    outcome: "ok" as const,
    ...one,
  }));
  return { operations: whole, order, lists, losses: [], ...rest };
}

const guarantees = (one: History): string[] => [...new Set(check(one).violations.map(({ guarantee }) => guarantee))];

it("finds nothing in a history that is right", () => {
  const right = history(
    [
      { value: "a1" },
      { values: ["a1"] },
      { value: "b1" },
      { value: "a2", session: "t" },
      { values: ["a1", "a2"], session: "t" },
      { values: ["b1"] },
    ],
    ["a1", "b1", "a2"],
  );
  const verdict = check(right);
  expect(verdict.violations).toEqual([]);
  expect(verdict.checked).toMatchObject({ monotonicReads: 3, monotonicWrites: 3 });
});

it.each([
  ["beside its master", [0, 2], 0],
  ["alone, since its master has crashed", [2], 0],
  ["beside one that is most likely its master", [0, 2], null],
])("finds nothing wrong where a replica has a durable write, %s", (_, holders, master) => {
  const verdict = check(history([{ value: "a1", copies: { wanted: 1, holders, master } }], ["a1"]));
  expect(verdict).toMatchObject({ violations: [], checked: { durability: 1 } });
});

it.each<[string, History, string[]]>([
  [
    "a read that misses the session's own write",
    history([{ value: "a1" }, { key: "a", values: [] }], ["a1"]),
    ["readYourWrites"],
  ],
  [
    "a read of another key that is from before the session's own write",
    history(
      [{ value: "a1", session: "t" }, { value: "b1" }, { key: "c", values: [] }, { value: "c0", session: "u" }],
      ["c0", "b1", "a1"],
    ),
    ["readYourWrites"],
  ],
  [
    "a client's own write over all its sessions, at the level of the client",
    history(
      [
        { value: "a1", session: "t" },
        { key: "a", values: [], promise: "session" },
      ],
      ["a1"],
    ),
    ["readYourWrites"],
  ],
  [
    "a read that sees less than the one before",
    history([{ value: "a1", client: "d", session: "t" }, { values: ["a1"] }, { key: "a", values: [] }], ["a1"]),
    ["monotonicReads"],
  ],
  [
    "writes in another order than they were made",
    history([{ value: "a1" }, { value: "a2" }], ["a2", "a1"]),
    ["monotonicWrites"],
  ],
  [
    "a write that stands before what the session had read",
    history([{ value: "a1", client: "d", session: "t" }, { values: ["a1"] }, { value: "b1" }], ["b1", "a1"]),
    ["writesFollowReads"],
  ],
  [
    "a read that is older than its bound",
    history(
      [
        { value: "a1", client: "d", session: "t" },
        { key: "a", values: [], promise: "eventual", invoked: 30, maxStalenessMs: 20 },
      ],
      ["a1"],
    ),
    ["staleness"],
  ],
  ["a write that was applied twice", history([{ value: "a1" }], ["a1", "a1"]), ["appliedOnce"]],
  ["a write that was said not to be applied", history([{ value: "a1", outcome: "fail" }], ["a1"]), ["noInvention"]],
  ["a value that nobody wrote", history([], ["a1"]), ["noInvention"]],
  ["a read of what nobody wrote", history([{ values: ["a1"] }], []), ["noInvention"]],
  [
    "a read of what was said not to be applied, and is gone by now",
    history([{ value: "a1", outcome: "fail" }, { values: ["a1"] }], []),
    ["noInvention"],
  ],
  [
    "a key that is older than what its writer set it to",
    history(
      [{ value: "a1", session: "t" }, { value: "a2" }, { key: "a", saw: "a1", promise: "session" }],
      ["a1", "a2"],
    ),
    ["readYourWrites"],
  ],
  [
    "a key that was nothing to its writer, and one that goes back",
    history(
      [
        { value: "a1" },
        { key: "a", saw: null },
        { value: "a2", client: "d", session: "t" },
        { key: "a", saw: "a2" },
        { key: "a", saw: "a1" },
      ],
      ["a1", "a2"],
    ),
    ["readYourWrites", "monotonicReads"],
  ],
  [
    "a strong read that is older than what its client has read of another key",
    history(
      [
        { value: "a1", client: "d", session: "t" },
        { value: "b1", client: "d", session: "t" },
        { key: "b", values: ["b1"], promise: "eventual", session: "u" },
        { key: "a", values: [], promise: "strong" },
      ],
      ["a1", "b1"],
    ),
    ["strongReads"],
  ],
  [
    "a read behind a write that was not waited for, and was not seen",
    history(
      [
        { value: "a1", promise: "session" },
        { key: "a", values: [], after: ["a1"], promise: "session", invoked: 1 },
      ],
      ["a1"],
    ),
    ["readYourWrites"],
  ],
  [
    "a reader that finds its write gone before it is told",
    history(
      [
        { value: "a1", promise: "session" },
        { key: "a", values: [], promise: "session" },
      ],
      [],
      {
        losses: [{ client: "c", at: 50, keys: ["a"], keysComplete: true, max: 1 }],
      },
    ),
    ["readYourWrites"],
  ],
  [
    "a session that writes on in a new history, and was not told that what it read is gone",
    history([{ value: "a1", outcome: "info", client: "d", session: "t" }, { values: ["a1"] }, { value: "b1" }], ["b1"]),
    ["sessionTold"],
  ],
  [
    "a write of unknown outcome that ran behind a later one",
    history([{ value: "a1", outcome: "info" }, { value: "a2" }], ["a2", "a1"]),
    ["monotonicWrites"],
  ],
  [
    "a durable write that no replica has",
    history([{ value: "a1", copies: { wanted: 1, holders: [0], master: 0 } }], ["a1"]),
    ["durability"],
  ],
  [
    "a durable write that one server has, and nobody knows whether as its master",
    history([{ value: "a1", copies: { wanted: 1, holders: [2], master: null } }], ["a1"]),
    ["durability"],
  ],
  [
    "an increment that was applied twice",
    history([], [], { counters: [{ name: "n", final: 3, ok: 1, unknown: 1 }] }),
    ["appliedOnce"],
  ],
  ["an acknowledged write that is gone in silence", history([{ value: "a1" }], []), ["noSilentLoss"]],
  [
    "a session that goes on as if nothing had been lost",
    history([{ value: "a1" }, { key: "b", values: [] }], [], {
      losses: [{ client: "c", at: 7, keys: ["a"], keysComplete: true, max: 1 }],
    }),
    ["sessionTold"],
  ],
])("finds %s", (_name, wrong, found) => {
  expect(guarantees(wrong)).toEqual(found);
});

it("takes a reported loss for told, an unknown outcome for either, and a read of what was lost for no breach", () => {
  const told = history(
    [
      { value: "a1" },
      { values: ["a1"] },
      { outcome: "told", key: "a" },
      { key: "a", values: [] },
      { value: "a2", outcome: "info" },
    ],
    [],
    {
      losses: [{ client: "c", at: 15, keys: ["a"], keysComplete: true, max: 1 }],
    },
  );
  expect(guarantees(told)).toEqual([]);
  expect(guarantees(history([{ value: "a1", outcome: "info" }], ["a1"]))).toEqual([]);
});

it("lets a write of unknown outcome run late where its client has gone to another master and may have come back", () => {
  const calls = [{ value: "a1", outcome: "info" as const }, { value: "a2" }];
  const order = ["a2", "a1"];
  const [first, second] = history(calls, order).operations as [Operation, Operation];
  const between = (first.returned + second.invoked) / 2;
  const verdictAt = (at: number, client = "c"): string[] =>
    guarantees(history(calls, order, { successions: [{ client, at }] }));
  expect(verdictAt(between)).toEqual([]);
  for (const at of [first.invoked - 1, second.returned + 1]) expect(verdictAt(at)).toEqual(["monotonicWrites"]);
  expect(verdictAt(between, "d")).toEqual(["monotonicWrites"]);
});

it("owes a bounded read nothing of a history that its client has left, and all of one that it didn't follow", () => {
  const calls = [
    { value: "a1", client: "d", session: "t" },
    { value: "a2", client: "d", session: "t" },
    { key: "a", values: ["a1"], promise: "eventual" as const, invoked: 40, returned: 45, maxStalenessMs: 20 },
  ];
  const verdict = (lacking: readonly string[], at: number, client = "c", later: readonly number[] = []): string[] => {
    const successions = [
      { client, at, lacks: (value: string) => lacking.includes(value) },
      ...later.map((time) => ({ client, at: time, lacks: () => false })),
    ];
    return guarantees(history(calls, ["a1", "a2"], { successions }));
  };
  expect(guarantees(history(calls, ["a1", "a2"], { successions: [{ client: "c", at: 30 }] }))).toEqual(["staleness"]);
  for (const at of [30, 42]) expect(verdict(["a2"], at)).toEqual([]);
  expect(verdict(["a2"], 30, "c", [44])).toEqual([]);
  // It came there after the read, it had come back before it, or another client did; and the write was in both.
  expect(verdict(["a2"], 46)).toEqual(["staleness"]);
  expect(verdict(["a2"], 30, "c", [35])).toEqual(["staleness"]);
  expect(verdict(["a2"], 30, "d")).toEqual(["staleness"]);
  expect(verdict([], 30)).toEqual(["staleness"]);
  // What is left behind excuses nothing else.
  const sooner = [calls[0], calls[1], { ...calls[2], values: [] }] as typeof calls;
  const successions = [{ client: "c", at: 30, lacks: (value: string) => value === "a2" }];
  expect(guarantees(history(sooner, ["a1", "a2"], { successions }))).toEqual(["staleness"]);
});

it("owes no read what its client saw of others in a history it has left, nor what it wrote there and was told of", () => {
  const read = { key: "a", values: ["a1"], invoked: 40, returned: 45 };
  const saw = { ...read, values: ["a1", "a2"], promise: "eventual" as const, invoked: 20, returned: 22 };
  const others = [
    { value: "a1", client: "d", session: "t" },
    { value: "a2", client: "d", session: "t" },
  ];
  const successions = [{ client: "c", at: 30, lacks: (value: string) => value === "a2" }];
  const strong = [...others, saw, { ...read, promise: "strong" as const }];
  expect(guarantees(history(strong, ["a1", "a2"]))).toEqual(["strongReads"]);
  expect(guarantees(history(strong, ["a1", "a2"], { successions }))).toEqual([]);
  const lacksAnother = [{ client: "c", at: 30, lacks: (value: string) => value === "a1" }];
  expect(guarantees(history(strong, ["a1", "a2"], { successions: lacksAnother }))).toEqual(["strongReads"]);
  // A call that was under way when the loss was told returned afterwards.
  for (const promise of ["session", "strong"] as const) {
    const broken = promise === "strong" ? ["readYourWrites", "strongReads"] : ["readYourWrites"];
    const own = [others[0], { value: "a2", invoked: 25, returned: 38 }, { ...read, promise }] as typeof strong;
    const told = { client: "c", at: 30, keys: ["a"], keysComplete: true, max: 1 };
    expect(guarantees(history(own, ["a1", "a2"], { losses: [told] }))).toEqual(broken);
    expect(guarantees(history(own, ["a1", "a2"], { successions }))).toEqual(broken);
    expect(guarantees(history(own, ["a1", "a2"], { successions, losses: [told] }))).toEqual([]);
  }
});

it("lets a strong read differ from another client's, and a counter have what nobody knows of", () => {
  const calls = [
    { value: "a1", client: "d", session: "t" },
    { key: "a", values: [], promise: "strong" as const },
  ];
  const counters = [{ name: "n", final: 2, ok: 1, unknown: 1 }];
  const verdict = check(history(calls, ["a1"], { counters }));
  expect(verdict.violations).toEqual([]);
  expect(verdict.checked.appliedOnce).toBe(2);
});

it("knows a client's own report among those of clients that did nothing", () => {
  const report = (client: string) => ({ client, at: 7, keys: ["a"], keysComplete: true, max: 1 });
  const losses = [report("d"), report("c"), report("e"), report("f")];
  expect(guarantees(history([{ value: "a1", promise: "session" }], [], { losses }))).toEqual([]);
});

it("counts every breach and tells the first thousand", () => {
  const order = Array.from({ length: MOST_TEXTS + 5 }, (_, place) => `a${place}`);
  const { violations, broken } = check(history([], order));
  expect(broken.noInvention).toBe(MOST_TEXTS + 5);
  expect(violations).toHaveLength(MOST_TEXTS);
});
