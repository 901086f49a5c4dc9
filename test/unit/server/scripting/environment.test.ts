import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LuaEnvironment, type Outcome, type Watch } from "../../../../src/server/scripting/lua/environment.js";
import { luaMachine } from "../../../../src/server/scripting/lua/machine.js";

const m = luaMachine();
const LOOP = "local n = 0 for i = 1, 3e5 do n = n + 1 end ";

let environment: LuaEnvironment;
let seen: (string | null)[];

function open(): LuaEnvironment {
  const none = { functions: {} };
  const note = (L: number): number => {
    seen.push(m.text(L, 1));
    return 0;
  };
  const tables = { redis: { functions: { note } }, cjson: none, cmsgpack: none, struct: none, bit: none };
  return new LuaEnvironment(m, tables, none);
}

beforeEach(() => {
  seen = [];
  environment = open();
});
afterEach(() => environment.close());

function run(code: string, watch: Watch = () => "go"): Outcome {
  const compiled = environment.compile(code, "@user_script");
  if ("error" in compiled) throw new Error(compiled.error);
  return environment.run(compiled.ref, watch, () => 0);
}

/** Takes a run up until it ends; how often it was set aside, and its first result. */
function finish(first: Outcome): { readonly pauses: number; readonly result: string | null } {
  let outcome = first;
  let pauses = 0;
  for (; outcome.kind === "paused"; pauses++) outcome = environment.resume();
  if (outcome.kind === "failed") throw new Error(outcome.error);
  const result = m.text(outcome.thread, 1);
  environment.finish();
  return { pauses, result };
}

describe("a run that takes long", () => {
  it.each([
    ["at top level", `${LOOP} return n`],
    ["inside pcall", `return select(2, pcall(function() ${LOOP} return n end))`],
    ["inside pcall inside pcall", `return select(3, pcall(pcall, function() ${LOOP} return n end))`],
    ["inside a coroutine", `return coroutine.wrap(function() ${LOOP} return n end)()`],
    [
      "inside xpcall inside a coroutine",
      `return coroutine.wrap(function() return select(2, xpcall(function() ${LOOP} return n end, print2)) end)()`.replace(
        "print2",
        "tostring",
      ),
    ],
  ])("is set aside and goes on where it was: %s", (_where, code) => {
    const { pauses, result } = finish(run(code, () => "pause"));
    expect(result).toBe("300000");
    // Lua calls pcall inside pcall from C, where nothing can be set aside.
    if (!code.includes("pcall, function")) expect(pauses).toBeGreaterThanOrEqual(2);
  });

  it("keeps what a coroutine yields apart from being set aside", () => {
    const code = `local f = coroutine.wrap(function() for i = 1, 3 do ${LOOP} coroutine.yield(i) end return 9 end)
      return f() .. f() .. f() .. f()`;
    const { pauses, result } = finish(run(code, () => "pause"));
    expect(result).toBe("1239");
    expect(pauses).toBeGreaterThan(6);
  });

  it("is not set aside where Lua can't, inside a sort's comparison, and ends all the same", () => {
    const code = `local t = {3, 1, 2} table.sort(t, function(a, b) ${LOOP} return a < b end) return table.concat(t)`;
    expect(finish(run(code, () => "pause"))).toEqual({ pauses: 0, result: "123" });
  });

  it("tells where it stands, and can be forgotten", () => {
    const outcome = run("\n\npcall(function() while true do end end)", () => "pause");
    expect(outcome.kind).toBe("paused");
    expect(environment.pausedAt()).toEqual({ source: "@user_script", line: 3 });
    environment.abandon();
    expect(finish(run("return 7")).result).toBe("7");
  });

  it("ends with an error that pcall can't keep back", () => {
    let asked = 0;
    const outcome = run("while true do pcall(function() while true do end end) end", () =>
      ++asked > 3 ? { error: "ERR enough" } : "go",
    );
    expect(outcome).toMatchObject({ kind: "failed", error: "ERR enough" });
    expect(finish(run("return 8")).result).toBe("8");
  });
});

describe("deep calls end with an error, not with the process", () => {
  it.each([
    ["functions", "local function f() return 1 + f() end return f()"],
    ["pcall", "local function f() local ok, e = pcall(f) if not ok then error(e, 0) end end f()"],
    [
      "coroutines",
      "local function f() local ok, e = coroutine.resume(coroutine.create(f)) if not ok then error(e, 0) end end f()",
    ],
    [
      "metamethods",
      "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k .. 'x'] end return t.a",
    ],
    ["gsub", "local function f(s) return (s:gsub('.', f)) end return f('a')"],
  ])("%s", (_name, code) => {
    const outcome = run(code);
    expect(outcome).toMatchObject({ kind: "failed" });
    expect((outcome as { error: string }).error).toMatch(/overflow/);
  });

  it("also where pcall and C functions take turns: if the state is not fit any more, it says so", () => {
    const outcome = run(
      "local f local function g() return pcall(f) end f = function() return (('a'):gsub('.', function() return tostring(g()) end)) end return f()",
    );
    expect(outcome.kind === "done" || environment.broken).toBe(true);
  });
});

describe("memory", () => {
  it("is given back: a thousand states take no more than the first few", () => {
    const openAndClose = (times: number): number => {
      for (let i = 0; i < times; i++) open().close();
      return m.c.memory.buffer.byteLength;
    };
    const before = openAndClose(10);
    expect(openAndClose(1000)).toBe(before);
  });

  it("is not left in a state by scripts that are done", () => {
    for (let i = 0; i < 200; i++) finish(run("local t = {} for i = 1, 100 do t[i] = 'x' .. i end return #t"));
    m.c.lua_gc(environment.L, 2, 0);
    const before = environment.memoryBytes;
    const compiled = environment.compile(
      "local t = {} for i = 1, 1000 do t[i] = 'y' .. i end return #t",
      "@user_script",
    );
    if ("error" in compiled) throw new Error(compiled.error);
    for (let i = 0; i < 2000; i++)
      finish(
        environment.run(
          compiled.ref,
          () => "go",
          () => 0,
        ),
      );
    m.c.lua_gc(environment.L, 2, 0);
    expect(environment.memoryBytes - before).toBeLessThan(20_000);
  });

  it("has a limit that is an error", () => {
    const outcome = run("local s = ('x'):rep(2^20) local t = {} for i = 1, 1e6 do t[i] = s .. i end");
    expect(outcome).toMatchObject({ kind: "failed", error: expect.stringContaining("not enough memory") });
  });
});

describe("what stands behind a locked table", () => {
  it.each([
    "redis.note = 1",
    "string.rep = 1",
    "setmetatable(redis, {})",
    "rawset(redis, 'note', 1)",
    "_G.x = 1",
    "x = 1",
    "getmetatable(_G).__index = {}",
    "setmetatable(_G, nil)",
  ])("is not changed by %s", (code) => {
    expect(run(code)).toMatchObject({
      kind: "failed",
      error: expect.stringContaining("Attempt to modify a readonly table"),
    });
    finish(run("redis.note(('ab'):rep(2))"));
    expect(seen).toEqual(["abab"]);
  });

  it.each([
    ["pairs", "for k, v in pairs(redis) do redis.note(k) end"],
    ["next", "redis.note((next(redis)))"],
    ["rawget", "rawget(redis, 'note')('note')"],
  ])("is seen through %s", (_name, code) => {
    finish(run(code));
    expect(seen).toEqual(["note"]);
  });
});
