import { describe, expect, it } from "vitest";
import {
  type Adoption,
  commonBelow,
  type Farewell,
  farewellOf,
  Handover,
  LastWord,
} from "../../../../src/client/engine/succession.js";
import { ManualClock } from "../../../../src/core/manual-clock.js";
import type { Fence } from "../../../../src/protocol/info.js";
import { FakeConnection } from "./support/fake-connection.js";

const adoption = {
  type: "adopt",
  node: "B",
  from: "old",
  replid: "new",
  runId: "b",
  link: { from: "old", to: "new", at: 101 },
  proven: true,
  reason: "succession",
} satisfies Adoption;

function fence(fields: Partial<Fence>): Fence {
  return {
    role: "replica",
    replid: "old",
    offset: 100,
    replid2: null,
    secondReplOffset: -1,
    linkUp: true,
    syncInProgress: false,
    backlogFirstByte: 1,
    backlogLength: 100,
    ...fields,
  };
}

it.each<[string, { sharedBelow: number | null } | null, Pick<Adoption, "link"> | null, number]>([
  ["nothing is in doubt", null, null, Number.POSITIVE_INFINITY],
  ["two claim to be master, and share what lies below 91", { sharedBelow: 91 }, null, 91],
  ["a claimant of unknown descent: nothing is known to be common", { sharedBelow: null }, null, 0],
  ["the step to the next master, whose history branched off at 101", null, adoption, 101],
  ["the step to a history without a link", null, { link: null }, 0],
  ["somebody claims it again in the middle of the step", { sharedBelow: 91 }, adoption, 91],
])("what may go on, whoever is master: %s", (_when, hold, step, below) => {
  expect(commonBelow(hold, step)).toBe(below);
});

describe("what the former master says of itself", () => {
  it.each<[string, Fence | null, Farewell | null]>([
    ["a replica that still shows the old history, and had no more than the new master", fence({}), { lastOffset: 100 }],
    ["a replica of the old history that had more: it proves nothing", fence({ offset: 101 }), null],
    [
      "taken over by a partial resync",
      fence({ replid: "new", replid2: "old", secondReplOffset: 101, offset: 130 }),
      { lastOffset: 100 },
    ],
    [
      "taken over, but from further on than the fork",
      fence({ replid: "new", replid2: "old", secondReplOffset: 102 }),
      null,
    ],
    ["filled anew: what it had is not known", fence({ replid: "new", offset: 130 }), null],
    ["still a master", fence({ role: "master" }), null],
    ["nothing", null, null],
  ])("%s", (_what, said, expected) => {
    expect(farewellOf(said, adoption)).toEqual(expected);
  });

  it("nothing at all without a link", () => {
    expect(farewellOf(fence({}), { ...adoption, link: null })).toBeNull();
  });
});

describe("the step between two masters", () => {
  function begin(connection: FakeConnection | null, said: Fence | null = null) {
    const clock = new ManualClock();
    const ends: (Farewell | null)[] = [];
    const handover = new Handover(adoption, clock, (farewell) => ends.push(farewell));
    handover.begin(connection?.asReal ?? null, 100, said);
    return { clock, ends, handover };
  }

  it("is over at once when there is nobody to ask", () => {
    const closed = new FakeConnection("A");
    closed.cut();
    for (const former of [null, closed]) {
      const { ends, clock } = begin(former);
      expect(ends).toEqual([null]);
      expect(clock.pending).toBe(0);
    }
  });

  it("asks nobody where the former master has said it already", () => {
    const former = new FakeConnection("A");
    const { ends, clock } = begin(former, fence({}));
    expect(ends).toEqual([{ lastOffset: 100 }]);
    expect([former.fronts, clock.pending]).toEqual([0, 0]);
  });

  it("asks again where what it had said proves nothing", () => {
    const former = new FakeConnection("A");
    const { ends } = begin(former, fence({ role: "master" }));
    expect(ends).toEqual([]);
    former.answerFront(fence({}));
    expect(ends).toEqual([{ lastOffset: 100 }]);
  });

  it("ends with what the former master says", () => {
    const former = new FakeConnection("A");
    const { ends, clock } = begin(former);
    expect(ends).toEqual([]);
    former.answerFront(fence({}));
    expect(ends).toEqual([{ lastOffset: 100 }]);
    expect(clock.pending).toBe(0);
  });

  it("waits no longer than it was told to, and ends once", () => {
    const former = new FakeConnection("A");
    const { ends, clock } = begin(former);
    clock.advance(100);
    former.answerFront(fence({}));
    expect(ends).toEqual([null]);
  });

  it("ends no more once it was called off", () => {
    const former = new FakeConnection("A");
    const { ends, clock, handover } = begin(former);
    handover.cancel();
    former.answerFront(fence({}));
    clock.advance(1000);
    expect(ends).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});

describe("the last word of a node that refused a write", () => {
  const send = (connection: FakeConnection): void => connection.send({ verified: false } as never);

  it("is asked once for a wave of refusals, and kept", () => {
    const lastWord = new LastWord();
    const node = new FakeConnection("A");
    send(node);
    for (let i = 0; i < 3; i++) lastWord.ask(node.asReal);
    expect(node.fronts).toBe(1);
    expect(lastWord.of(node.asReal)).toBeNull();
    node.answerFront(fence({}));
    expect(lastWord.of(node.asReal)).toEqual(fence({}));
    expect(lastWord.of(null)).toBeNull();
    expect(lastWord.of(new FakeConnection("A").asReal)).toBeNull();
  });

  it("is void once more was sent to it, and asked again", () => {
    const lastWord = new LastWord();
    const node = new FakeConnection("A");
    lastWord.ask(node.asReal);
    node.answerFront(fence({ offset: 90 }));
    send(node);
    expect(lastWord.of(node.asReal)).toBeNull();
    lastWord.ask(node.asReal);
    expect(lastWord.of(node.asReal)).toBeNull();
    node.answerFront(fence({}));
    expect(lastWord.of(node.asReal)).toEqual(fence({}));
  });

  it("that comes after the next question was asked is not the answer to it", () => {
    const lastWord = new LastWord();
    const node = new FakeConnection("A");
    lastWord.ask(node.asReal);
    send(node);
    lastWord.ask(node.asReal);
    node.answerFront(fence({ offset: 90 }));
    expect(lastWord.of(node.asReal)).toBeNull();
  });
});
