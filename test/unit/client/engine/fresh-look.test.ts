import { describe, expect, it } from "vitest";
import { FreshLook } from "../../../../src/client/engine/fresh-look.js";
import { ManualClock } from "../../../../src/core/manual-clock.js";

const LIMIT_MS = 100;

function setup(nodes: readonly string[] = ["a", "b"]) {
  const clock = new ManualClock();
  const asked: number[] = [];
  const look = new FreshLook({ clock, nodes: () => nodes, requestCheck: () => asked.push(clock.now()) }, LIMIT_MS);
  const done: string[] = [];
  const take = (name: string): void => void look.take().then(() => done.push(name));
  const begin = clock.now();
  /** Every node answers a poll that is sent now. */
  const answered = (...names: string[]): void => {
    for (const name of names) look.polled(name, clock.now());
  };
  const seen = async (): Promise<readonly string[]> => {
    for (let i = 0; i < 5; i++) await Promise.resolve();
    return done;
  };
  return { clock, look, take, answered, seen, asked: () => asked.map((at) => at - begin) };
}

describe("a look at all nodes", () => {
  it("is over when every node has answered a poll that was sent after the question", async () => {
    const { clock, look, take, answered, seen } = setup();
    take("first");
    const before = clock.now() - 1;
    look.polled("a", before);
    look.polled("b", before);
    expect(await seen()).toEqual([]);
    answered("a", "b");
    expect(await seen()).toEqual(["first"]);
  });

  it("is over at its limit, whoever is silent", async () => {
    const { clock, take, answered, seen } = setup();
    take("first");
    answered("a");
    clock.advance(LIMIT_MS - 1);
    expect(await seen()).toEqual([]);
    clock.advance(1);
    expect(await seen()).toEqual(["first"]);
  });

  it("is not shared by a question that came after it began: what it saw may be older", async () => {
    const { clock, take, answered, seen, asked } = setup();
    take("first");
    answered("a");
    clock.advance(10);
    take("second");
    take("third");
    answered("b");
    expect(await seen()).toEqual(["first"]);
    expect(asked()).toEqual([0, 10]);
    answered("b");
    expect(await seen()).toEqual(["first"]);
    answered("a");
    expect(await seen()).toEqual(["first", "second", "third"]);
  });

  it("begins anew if its process stood still: nobody was listened to", async () => {
    const { clock, look, take, answered, seen, asked } = setup();
    // What fell due in a pause runs late.
    const setTimer = clock.setTimer.bind(clock);
    clock.setTimer = (run, ms) => setTimer(run, ms === LIMIT_MS && asked().length === 0 ? 700 : ms);
    take("first");
    clock.advance(700);
    expect(await seen()).toEqual([]);
    expect(asked()).toEqual([0, 700]);
    look.polled("a", clock.now() - 700);
    answered("b");
    expect(await seen()).toEqual([]);
    answered("a");
    expect(await seen()).toEqual(["first"]);
  });

  it("lets all go on when the client ends", async () => {
    const { clock, look, take, seen, asked } = setup();
    take("first");
    clock.advance(1);
    take("second");
    look.end();
    expect(await seen()).toEqual(["first", "second"]);
    expect(asked()).toEqual([0]);
  });
});
