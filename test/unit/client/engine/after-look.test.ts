import { Command } from "ioredis";
import { describe, expect, it } from "vitest";
import type { CausalSession } from "../../../../src/client/consistency/session.js";
import { AfterLook } from "../../../../src/client/engine/after-look.js";
import { FirstMaster } from "../../../../src/client/engine/first-master.js";
import { Operation, type OperationSink } from "../../../../src/client/engine/operation.js";
import type { ResolvedView } from "../../../../src/client/options/resolved.js";
import { DEFAULT_VIEW } from "../../../../src/client/options/view.js";
import { CommandTable } from "../../../../src/client/routing/command-table.js";
import { type Deferred, deferred } from "../../../../src/core/deferred.js";
import { ManualClock } from "../../../../src/core/manual-clock.js";

const WAIT_MS = 1000;
const LIMIT = 3;

function setUp() {
  const clock = new ManualClock();
  const table = new CommandTable();
  const world = { hopeless: false };
  const looks: { readonly until: number; readonly over: Deferred<boolean> }[] = [];
  const sent: string[] = [];
  const failed: string[] = [];
  const begin = clock.now();
  const afterLook = new AfterLook({
    clock,
    queuedCommands: LIMIT,
    waitMs: WAIT_MS,
    lookFor(_session, until) {
      const over = deferred<boolean>();
      looks.push({ until: until - begin, over });
      return over.promise;
    },
    hopeless: () => world.hopeless,
  });
  const session = { unplaced: true };
  const operation = (line: string, view: Partial<ResolvedView> = {}): Operation => {
    const [name = "", ...args] = line.split(" ");
    const command = new Command(name, args);
    command.promise.catch((error: Error & { code: string }) => failed.push(`${line}: ${error.code}`));
    const spec = table.of(name, args);
    return new Operation(
      command,
      spec,
      { ...DEFAULT_VIEW, ...view } as ResolvedView,
      0,
      clock.now(),
      NO_SINK,
      () => {},
    );
  };
  /** Commands with commas between them are one pipeline. */
  const call = (text: string, view: Partial<ResolvedView> = {}): boolean =>
    afterLook.holds(
      text.split(", ").map((line) => operation(line, view)),
      session as CausalSession,
      (left) => void sent.push(left.map(({ name, command }) => [name, ...command.args].join(" ")).join(", ")),
    );
  const end = async (asked: boolean): Promise<void> => {
    looks.at(-1)?.over.resolve(asked);
    await turns();
  };
  return { clock, world, session, looks, sent, failed, call, end };
}

const NO_SINK: OperationSink = { replied() {}, failed() {} };

async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

describe("calls of a session whose token can't be placed yet", () => {
  it("wait for one look, and go in the order of issue; others don't wait", async () => {
    const { session, looks, sent, call, end } = setUp();
    session.unplaced = false;
    expect(call("SET other 1")).toBe(false);
    session.unplaced = true;
    expect([call("SET a 1"), call("SET a 2, GET a")]).toEqual([true, true]);
    expect(looks).toHaveLength(1);
    session.unplaced = false;
    await end(true);
    expect(sent).toEqual(["SET a 1", "SET a 2, GET a"]);
    expect(call("SET a 3")).toBe(false);
  });

  // The second call waited for a look of its own, and a third that came after the first look went out before it.
  it("are not overtaken by one that comes when the token is placed and they are not out yet", async () => {
    const { session, sent, call, end } = setUp();
    call("SET a 1");
    session.unplaced = false;
    expect(call("SET a 2")).toBe(true);
    await end(true);
    expect(sent).toEqual(["SET a 1", "SET a 2"]);
  });

  it("wait for another look where a further token came during the first", async () => {
    const { session, looks, sent, call, end } = setUp();
    call("GET a");
    await end(true);
    expect([looks.length, sent.length]).toEqual([2, 0]);
    session.unplaced = false;
    await end(true);
    expect(sent).toEqual(["GET a"]);
  });

  it("wait for a master as long as each of them may, then go where they are told that there is none", async () => {
    const { clock, world, looks, sent, call, end } = setUp();
    call("GET a");
    clock.advance(400);
    call("GET b");
    clock.advance(600);
    await end(false);
    expect(sent).toEqual(["GET a"]);
    expect(looks.map(({ until }) => until)).toEqual([WAIT_MS, WAIT_MS + 400]);
    world.hopeless = true;
    await end(false);
    expect(sent).toEqual(["GET a", "GET b"]);
    expect(looks).toHaveLength(2);
  });

  it("are bounded by limits.queuedCommands, pipelines by their commands", async () => {
    const { session, sent, failed, call, end } = setUp();
    call("GET a, GET b");
    expect(call("GET c, GET d")).toBe(true);
    call("GET e");
    call("GET f");
    await turns();
    expect(failed).toEqual(["GET c", "GET d", "GET f"].map((line) => `${line}: IOREPLICA_QUEUE_FULL`));
    session.unplaced = false;
    await end(true);
    expect(sent).toEqual(["GET a, GET b", "GET e"]);
    session.unplaced = true;
    expect(call("GET g, GET h, GET i")).toBe(true);
    await turns();
    expect(failed).toHaveLength(3);
  });

  it("that were given up meanwhile are not sent; blocking ones keep to their deadline and are watched elsewhere after", async () => {
    const { clock, session, sent, failed, call, end } = setUp();
    const abort = new AbortController();
    call("BLPOP l 0", { timeoutMs: 50 });
    call("BLPOP m 0", { signal: abort.signal });
    call("BLPOP n 0", { timeoutMs: 5000 });
    clock.advance(50);
    abort.abort();
    await turns();
    expect(failed).toEqual(["BLPOP l 0: IOREPLICA_TIMEOUT", "BLPOP m 0: IOREPLICA_ABORTED"]);
    expect(clock.pending).toBe(1);
    session.unplaced = false;
    await end(true);
    expect(sent).toEqual(["BLPOP n 0"]);
    expect(clock.pending).toBe(0);
  });
});

describe("the wait for a first master", () => {
  it("ends when it is found, or at its time, and leaves no timer", async () => {
    const clock = new ManualClock();
    const first = new FirstMaster(clock);
    const over: string[] = [];
    void first.wait(clock.now() + 100).then(() => over.push("late"));
    void first.wait(clock.now() + 10).then(() => over.push("early"));
    clock.advance(10);
    await turns();
    expect(over).toEqual(["early"]);
    first.over();
    await turns();
    expect(over).toEqual(["early", "late"]);
    expect(clock.pending).toBe(0);
  });
});
