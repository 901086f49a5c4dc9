import { describe, expect, it } from "vitest";
import { Databases, type WaitingCall } from "../../../../src/client/engine/databases.js";
import { Scope } from "../../../../src/client/engine/scope.js";
import { DEFAULT_VIEW } from "../../../../src/client/options/view.js";

const OUT_OF_RANGE = Object.assign(new Error("ERR DB index is out of range"), {
  name: "ReplyError",
});

/** Databases of a server that answers when the test says so; `ran` is what went out, with its database. */
function databasesOf(base = 0, limit = 100) {
  const asked: {
    db: number;
    resolve(reply: unknown): void;
    reject(error: Error): void;
  }[] = [];
  const ran: string[] = [];
  const ends: string[] = [];
  let waiting = 0;
  const databases = new Databases(
    {
      probe: (db) => new Promise((resolve, reject) => asked.push({ db, resolve, reject })),
      limit: () => limit,
      waits: (change) => (waiting += change),
    },
    () => base,
  );
  const call = (name: string, scope: Scope): void => {
    const go = (): void => void ran.push(`${scope.db}: ${name}`);
    const held: WaitingCall = {
      name,
      selects: null,
      run: () => {
        if (scope.confirmed === databases.epoch || databases.admits(scope, held)) go();
      },
      reject: (error) => ends.push(`${name}: ${(error as { code?: string }).code ?? error.message}`),
    };
    held.run();
  };
  const select = (db: number, scope: Scope): void => {
    const note = (promise: Promise<unknown>): void =>
      void promise.then(
        (reply) => ends.push(`select ${db}: ${String(reply)}`),
        (error: Error) => ends.push(`select ${db}: ${error.message}`),
      );
    if (scope.waiting === null) note(databases.select(scope, db));
    else
      databases.admits(scope, {
        name: "select",
        selects: db,
        run: () => select(db, scope),
        reject: (error) => ends.push(`select ${db}: ${error.message}`),
      });
  };
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  return {
    databases,
    asked,
    ran,
    ends,
    call,
    select,
    settle,
    waiting: () => waiting,
  };
}

describe("calls that wait for a database", () => {
  const LIMIT = 5;

  it("are bounded by limits.queuedCommands, over all views; a SELECT is not left out, nor what it is for", async () => {
    const { asked, ran, ends, call, select, settle, waiting } = databasesOf(0, LIMIT);
    const [one, two] = [scopeOf(1), scopeOf(2)];
    for (let i = 0; i < LIMIT - 1; i++) call(`a${i}`, one);
    call("b", two);
    call("too many", one);
    select(3, one);
    call("too many for 3", one);
    expect(ends).toEqual(["too many: IOREPLICA_QUEUE_FULL", "too many for 3: IOREPLICA_QUEUE_FULL"]);
    expect(waiting()).toBe(LIMIT + 1);
    for (const { resolve } of asked) resolve("OK");
    await settle();
    expect(ran).toEqual(["1: a0", "1: a1", "1: a2", "1: a3", "2: b"]);
    asked.at(-1)?.resolve("OK");
    await settle();
    expect(waiting()).toBe(0);
    for (let i = 0; i < LIMIT; i++) call(`c${i}`, scopeOf(4));
    for (const { reject } of asked.slice(-LIMIT)) reject(OUT_OF_RANGE);
    await settle();
    for (let i = 0; i < LIMIT; i++) call(`d${i}`, scopeOf(5));
    expect(ends.filter((text) => text.endsWith("FULL"))).toHaveLength(2);
  });
});

const scopeOf = (db = 0, node: string | null = null): Scope => new Scope(DEFAULT_VIEW, db, node);

describe("a database that nobody has asked for yet", () => {
  it("is asked for once, and what is meant for it waits in order", async () => {
    const { asked, ran, ends, call, select, settle, waiting } = databasesOf();
    const scope = scopeOf();
    call("a", scope);
    select(5, scope);
    call("b", scope);
    call("c", scope);
    expect(ran).toEqual(["0: a"]);
    expect(asked.map(({ db }) => db)).toEqual([5]);
    expect(waiting()).toBe(2);
    asked[0]?.resolve("OK");
    await settle();
    call("d", scope);
    call("e", scopeOf(5));
    expect(ran).toEqual(["0: a", "5: b", "5: c", "5: d", "5: e"]);
    expect(ends).toEqual(["select 5: OK"]);
    expect(asked.length).toBe(1);
    expect(waiting()).toBe(0);
  });

  it("and does not exist: the view keeps its own, and what was meant for the other runs nowhere", async () => {
    const { asked, ran, ends, call, select, settle, waiting } = databasesOf();
    const scope = scopeOf();
    select(99, scope);
    expect(scope.lastDb).toBe(99);
    call("b", scope);
    asked[0]?.reject(OUT_OF_RANGE);
    await settle();
    expect(ends.sort()).toEqual(["b: IOREPLICA_INVALID_ARGUMENT", "select 99: ERR DB index is out of range"]);
    expect(scope.lastDb).toBe(0);
    call("c", scope);
    expect(ran).toEqual(["0: c"]);
    expect(waiting()).toBe(0);
  });

  it("several in a row: each call runs in the one that was selected before it, or not at all", async () => {
    const { asked, ran, ends, call, select, settle } = databasesOf();
    const scope = scopeOf();
    for (const db of [1, 99, 2, 0]) {
      select(db, scope);
      call(`for ${db}`, scope);
    }
    expect(scope.lastDb).toBe(0);
    asked[0]?.resolve("OK");
    await settle();
    expect(asked.map(({ db }) => db)).toEqual([1, 99]);
    asked[1]?.reject(OUT_OF_RANGE);
    await settle();
    asked[2]?.resolve("OK");
    await settle();
    expect(ran).toEqual(["1: for 1", "2: for 2", "0: for 0"]);
    expect(ends).toContain("for 99: IOREPLICA_INVALID_ARGUMENT");
    expect(asked.map(({ db }) => db)).toEqual([1, 99, 2]);
  });

  it("is asked for by a view that was made for it, again and again until it exists", async () => {
    const { asked, ran, ends, call, settle } = databasesOf();
    const scope = scopeOf(7);
    call("a", scope);
    asked[0]?.reject(OUT_OF_RANGE);
    await settle();
    expect(ends).toEqual(["a: IOREPLICA_INVALID_ARGUMENT"]);
    call("b", scope);
    asked[1]?.resolve("OK");
    await settle();
    expect(ran).toEqual(["7: b"]);
  });

  it("is asked for again when another node has become the master", async () => {
    const { databases, asked, ran, call, select, settle } = databasesOf();
    const scope = scopeOf();
    select(5, scope);
    asked[0]?.resolve("OK");
    await settle();
    databases.forget();
    call("a", scope);
    expect(ran).toEqual([]);
    asked[1]?.resolve("OK");
    await settle();
    expect(ran).toEqual(["5: a"]);
  });

  it("is asked for anew by a view of one node: what the master has, that one may not have", async () => {
    const { asked, select, settle, call, ran } = databasesOf();
    select(5, scopeOf());
    asked[0]?.resolve("OK");
    await settle();
    call("a", scopeOf(5, "A"));
    expect(ran).toEqual([]);
    expect(asked.length).toBe(2);
  });
});

it("database 0 and that of the options are never asked for", () => {
  const { asked, ran, call, select } = databasesOf(3);
  const scope = scopeOf(3);
  call("a", scope);
  select(0, scope);
  call("b", scope);
  expect(ran).toEqual(["3: a", "0: b"]);
  expect(asked).toEqual([]);
});
