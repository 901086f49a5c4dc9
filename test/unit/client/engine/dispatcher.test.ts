import { Command } from "ioredis";
import { describe, expect, it } from "vitest";
import type { CausalSession } from "../../../../src/client/consistency/session.js";
import { AfterLook } from "../../../../src/client/engine/after-look.js";
import { Dispatcher, type DispatchHost } from "../../../../src/client/engine/dispatcher.js";
import type { Operation } from "../../../../src/client/engine/operation.js";
import { Scope } from "../../../../src/client/engine/scope.js";
import type { ResolvedView } from "../../../../src/client/options/resolved.js";
import { DEFAULT_VIEW } from "../../../../src/client/options/view.js";
import { CommandTable } from "../../../../src/client/routing/command-table.js";
import { ManualClock } from "../../../../src/core/manual-clock.js";
import { FakeConnection } from "./support/fake-connection.js";

/** A dispatcher over an engine that only notes what it is given. */
function dispatcherOf() {
  const clock = new ManualClock();
  const lane: Operation[] = [];
  const reads: Operation[] = [];
  const homes: string[] = [];
  const links = new Map<string, unknown>();
  const look = { lookFor: async (_session: CausalSession): Promise<boolean> => true };
  for (const id of ["A", "B"]) links.set(id, { id, serves: true, isMaster: false, connection: new FakeConnection(id) });
  let order = 0;
  const host = {
    engine: {
      acks: { refusal: () => null },
      sessions: { refusal: () => null },
      afterLook: new AfterLook({
        clock,
        queuedCommands: 10,
        waitMs: 1000,
        lookFor: (session) => look.lookFor(session),
        hopeless: () => false,
      }),
      table: new CommandTable(),
      clock,
      options: { redis: {}, db: 0 },
      nextOrder: () => ++order,
      noteIssue() {},
      lane: { submit: (operations: Operation[]) => void lane.push(...operations) },
      reader: {
        read: (operation: Operation) => void reads.push(operation),
        submit: (operations: Operation[]) => void reads.push(...operations),
        choose: () => [...links.values()].find((link) => (link as { serves: boolean }).serves) ?? null,
        sendTo: (operation: Operation, link: { id: string }) => {
          reads.push(operation);
          homes.push(link.id);
        },
      },
      toMaster: (operations: Operation[]) => void lane.push(...operations),
      links,
      history: { node: "M" },
    },
    dedicated: {},
    closed: false,
    ended: false,
    quit: () => Promise.resolve("OK"),
  } as unknown as DispatchHost;
  const dispatcher = new Dispatcher(host);
  const scope = (view: Partial<ResolvedView> = {}): Scope => new Scope({ ...DEFAULT_VIEW, ...view } as ResolvedView, 0);
  const command = (line: string): Command => {
    const [name = "", ...args] = line.split(" ");
    const made = new Command(name, args);
    made.promise.catch(() => {});
    return made;
  };
  return { clock, lane, reads, homes, links, dispatcher, scope, command, look, engine: host.engine };
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "OK",
    ({ code, sent }: { code: string; sent: string }) => `${code} sent: ${sent}`,
  );

describe("a signal", () => {
  it("that was aborted before the call: nothing is sent, nothing is left waiting", async () => {
    const { dispatcher, scope, command, lane, reads, clock } = dispatcherOf();
    const view = scope({ signal: AbortSignal.abort(), timeoutMs: 1000 });
    const commands = [command("INCR n"), command("GET k")];
    for (const one of commands) dispatcher.execute(one, view);
    dispatcher.executeUnit([command("MULTI"), command("INCR n"), command("EXEC")], view);
    for (const one of commands) expect(await codeOf(one.promise)).toBe("IOREPLICA_ABORTED sent: no");
    expect([lane, reads]).toEqual([[], []]);
    expect(clock.pending).toBe(0);
    expect(dispatcher.pending).toBe(0);
  });

  it("that is aborted while the command lies on an open connection can't say that it was not sent", async () => {
    const { dispatcher, scope, command, lane } = dispatcherOf();
    const abort = new AbortController();
    const incr = command("INCR n");
    dispatcher.execute(incr, scope({ signal: abort.signal }));
    new FakeConnection("A").send(lane[0] as Operation);
    abort.abort();
    expect(await codeOf(incr.promise)).toBe("IOREPLICA_ABORTED sent: unknown");
  });

  it("that is aborted while the command is queued: it was not sent", async () => {
    const { dispatcher, scope, command } = dispatcherOf();
    const abort = new AbortController();
    const incr = command("INCR n");
    dispatcher.execute(incr, scope({ signal: abort.signal }));
    abort.abort();
    expect(await codeOf(incr.promise)).toBe("IOREPLICA_ABORTED sent: no");
    expect(dispatcher.pending).toBe(0);
  });
});

it("a call that waited for a look at the nodes is refused if its session must be told of a loss by then", async () => {
  const { dispatcher, scope, command, lane, look, engine } = dispatcherOf();
  let looked = false;
  look.lookFor = async (session) => {
    await Promise.resolve();
    looked = true;
    Object.assign(session, { unplaced: false });
    return true;
  };
  Object.assign(engine, {
    sessions: { refusal: () => (looked ? Object.assign(new Error("lost"), { code: "LOST", sent: "no" }) : null) },
  });
  const session = { unplaced: true } as CausalSession;
  const view = new Scope(scope().view, 0, null, session);
  const incr = command("INCR n");
  dispatcher.execute(incr, view);
  expect(await codeOf(incr.promise)).toBe("LOST sent: no");
  expect(lane).toEqual([]);
});

it("a pipeline too waits for a look at the nodes if its session's token is of an unknown history, and goes whole", async () => {
  const { dispatcher, scope, command, lane, reads, look } = dispatcherOf();
  let looks = 0;
  look.lookFor = async (session) => {
    await Promise.resolve();
    looks++;
    Object.assign(session, { unplaced: false });
    return true;
  };
  const view = new Scope(scope().view, 0, null, { unplaced: true } as CausalSession);
  dispatcher.executeUnit([command("GET a"), command("GET b")], view);
  dispatcher.executeUnit([command("INCR n"), command("GET n")], view);
  expect([lane, reads]).toEqual([[], []]);
  for (let i = 0; i < 5; i++) await Promise.resolve();
  expect(looks).toBe(1);
  expect(reads.map(({ name }) => name)).toEqual(["GET", "GET"]);
  expect(lane.map(({ name }) => name)).toEqual(["INCR", "GET"]);
});

it("timeoutMs rejects when it has passed and leaves no timer when it hasn't", async () => {
  const { dispatcher, scope, command, lane, clock } = dispatcherOf();
  const late = command("INCR n");
  dispatcher.execute(late, scope({ timeoutMs: 50 }));
  dispatcher.execute(command("INCR m"), scope({ timeoutMs: 50 }));
  lane[1]?.succeed(1);
  expect(clock.pending).toBe(1);
  clock.advance(50);
  expect(await codeOf(late.promise)).toBe("IOREPLICA_TIMEOUT sent: no");
  expect(clock.pending).toBe(0);
});

describe("a pipeline", () => {
  it("with a MULTI that has no EXEC is refused from there on: the connection is everybody's", async () => {
    const { dispatcher, scope, command, lane } = dispatcherOf();
    const commands = ["INCR a", "MULTI", "INCR b"].map(command);
    dispatcher.executeUnit(commands, scope());
    expect(lane.map(({ command: { args } }) => args[0])).toEqual(["a"]);
    expect(await codeOf((commands[2] as Command).promise)).toBe("IOREPLICA_INVALID_ARGUMENT sent: no");
  });

  it("of reads goes to the reader, with one write in it to the lane, in order", () => {
    const { dispatcher, scope, command, lane, reads } = dispatcherOf();
    dispatcher.executeUnit(["GET a", "GET b"].map(command), scope());
    dispatcher.executeUnit(["GET c", "INCR d"].map(command), scope());
    expect(reads.map(({ command: { args } }) => args[0])).toEqual(["a", "b"]);
    expect(lane.map(({ command: { args } }) => args[0])).toEqual(["c", "d"]);
  });

  it("of a causal session hands its reads out in order, those beside writes too; what a writing transaction reads is its own", () => {
    const { dispatcher, scope, command, lane } = dispatcherOf();
    const view = new Scope(scope().view, 0, null, { unplaced: false } as CausalSession);
    dispatcher.executeUnit(["GET a", "INCR b", "MULTI", "GET c", "INCR d", "EXEC", "GET e"].map(command), view);
    const orders = lane.map(({ readOrder }) => readOrder);
    expect(orders[0]?.reads.map(({ command: { args } }) => args[0])).toEqual(["a", "e"]);
    expect(orders.map((one) => one === orders[0])).toEqual([true, false, false, false, false, false, true]);
    dispatcher.executeUnit(["GET a", "INCR b", "GET e"].map(command), scope());
    expect(lane.slice(orders.length).map(({ readOrder }) => readOrder)).toEqual([null, null, null]);
  });

  it("of reads between MULTI and EXEC is a read", () => {
    const { dispatcher, scope, command, reads } = dispatcherOf();
    dispatcher.executeUnit(["MULTI", "GET a", "EXEC"].map(command), scope());
    expect(reads.length).toBe(3);
  });
});

describe("a scan", () => {
  it("stays on the node of its first cursor", () => {
    const { dispatcher, scope, command, homes } = dispatcherOf();
    const view = scope();
    for (const line of ["SCAN 0", "SCAN 17", "HSCAN h 3"]) dispatcher.execute(command(line), view);
    expect(homes).toEqual(["A", "A", "A"]);
  });

  it("whose node has left rejects with CURSOR_LOST, and begins anew at cursor 0 elsewhere", async () => {
    const { dispatcher, scope, command, homes, links } = dispatcherOf();
    const view = scope();
    dispatcher.execute(command("SCAN 0"), view);
    links.delete("A");
    const lost = command("SCAN 17");
    dispatcher.execute(lost, view);
    dispatcher.execute(command("SCAN 0"), view);
    expect(await codeOf(lost.promise)).toBe("IOREPLICA_CURSOR_LOST sent: no");
    expect(homes).toEqual(["A", "B"]);
  });

  it("whose node leaves while it is under way does the same", async () => {
    const { dispatcher, scope, command, homes, links, reads } = dispatcherOf();
    const view = scope();
    const [first, second] = [command("SCAN 0"), command("SCAN 17")];
    dispatcher.execute(first, view);
    dispatcher.execute(second, view);
    links.delete("A");
    for (const operation of reads.slice()) operation.repeat?.();
    expect(await codeOf(second.promise)).toBe("IOREPLICA_CURSOR_LOST sent: no");
    expect(homes).toEqual(["A", "A", "B"]);
  });
});

describe("close()", () => {
  it("rejects what is not settled, and says whether a server may have seen it", async () => {
    const { dispatcher, scope, command, lane, reads } = dispatcherOf();
    const lines = ["INCR queued", "INCR lying", "GET answered", "GET cut"].map(command);
    for (const one of lines) dispatcher.execute(one, scope());
    const [connection, other] = [new FakeConnection("A"), new FakeConnection("B")];
    connection.send(lane[1] as Operation);
    reads[0]?.succeed("v");
    other.send(reads[1] as Operation);
    other.state = "closed";
    dispatcher.close();
    expect(await Promise.all(lines.map(({ promise }) => codeOf(promise)))).toEqual([
      "IOREPLICA_CLIENT_CLOSED sent: no",
      "IOREPLICA_CLIENT_CLOSED sent: unknown",
      "OK",
      "IOREPLICA_CLIENT_CLOSED sent: no",
    ]);
    expect(dispatcher.pending).toBe(0);
  });

  it("leaves alone what another client sent on the same connection", async () => {
    const [one, other] = [dispatcherOf(), dispatcherOf()];
    const theirs = other.command("INCR n");
    other.dispatcher.execute(theirs, other.scope());
    one.dispatcher.execute(one.command("INCR n"), one.scope());
    one.dispatcher.close();
    expect(other.dispatcher.pending).toBe(1);
    other.lane[0]?.succeed(1);
    expect(await codeOf(theirs.promise)).toBe("OK");
  });

  it("rejects every command whatever was settled before it, in the order of issue", async () => {
    const { dispatcher, scope, command, lane } = dispatcherOf();
    const ends: number[] = [];
    for (let i = 0; i < 6; i++) {
      const one = command("INCR n");
      one.promise.catch(() => ends.push(i));
      dispatcher.execute(one, scope());
    }
    for (const i of [5, 0, 3]) lane[i]?.succeed(1);
    dispatcher.close();
    for (let i = 0; i < 5; i++) await Promise.resolve();
    expect(ends).toEqual([1, 2, 4]);
  });
});
