import { describe, expect, test } from "vitest";
import { CommandTable, keysOf } from "../../../../src/client/routing/command-table.js";
import command70 from "./command-7.0.json" with { type: "json" };

type Form = "static" | "server" | "buffers" | "maps";

/** The reply as RESP3 could show it: key specs as maps, flags as sets. */
function asMaps(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  if (
    typeof value[0] === "string" &&
    ["notes", "flags", "type", "index"].includes(value[0]) &&
    value.length % 2 === 0
  ) {
    const entries = value.flatMap((key, i) => (i % 2 === 0 ? [[key, asMaps(value[i + 1])] as const] : []));
    return value[0] === "type" ? Object.fromEntries(entries) : new Map(entries);
  }
  const all = value.every((one) => typeof one === "string");
  return all && value.length > 0 ? new Set(value) : value.map(asMaps);
}

function asBuffers(value: unknown): unknown {
  if (typeof value === "string") return Buffer.from(value);
  return Array.isArray(value) ? value.map(asBuffers) : value;
}

function tableOf(form: Form): CommandTable {
  const table = new CommandTable();
  const replies = { server: command70, buffers: asBuffers(command70), maps: asMaps(command70) };
  if (form !== "static") expect(table.override(replies[form] as unknown[])).toBe(command70.length);
  return table;
}

const CALLS: [call: string, intent: string, keysKnown: string, effects: string, keys: string][] = [
  ["GET k", "read", "all", "none", "k"],
  ["gEt k", "read", "all", "none", "k"],
  ["set k v EX 10", "write", "all", "keys", "k"],
  ["mget a b c", "read", "all", "none", "a b c"],
  ["mset a 1 b 2", "write", "all", "keys", "a b"],
  ["xread COUNT 2 STREAMS a b 0 0", "read", "all", "none", "a b"],
  ["xread block 0 STREAMS a 0", "dedicated", "all", "none", "a"],
  ["xread STREAMS block 0", "read", "all", "none", "block"],
  ["xreadgroup GROUP g c STREAMS a >", "write", "all", "keys", "a"],
  ["xreadgroup GROUP g c BLOCK 5 STREAMS a >", "dedicated", "all", "keys", "a"],
  ["sort l LIMIT 0 5 STORE d", "write", "all", "keys", "l d"],
  ["sort_ro l ALPHA", "read", "all", "none", "l"],
  ["sort_ro l BY w_*", "read", "partial", "none", "l"],
  ["sort_ro l get x_*", "read", "partial", "none", "l"],
  ["eval s 2 a b x", "master", "all", "keys", "a b"],
  ["eval s 0", "master", "none", "unknown", ""],
  ["eval_ro s 1 a", "read", "all", "none", "a"],
  ["eval_ro s 0", "read", "none", "none", ""],
  ["fcall_ro f 0", "read", "none", "none", ""],
  ["lmpop 2 a b LEFT", "write", "all", "keys", "a b"],
  ["blmpop 0 2 a b LEFT", "dedicated", "all", "keys", "a b"],
  ["zunionstore d 2 a b WEIGHTS 1 2", "write", "all", "keys", "d a b"],
  ["georadius k 1 2 3 km STORE d", "write", "all", "keys", "k d"],
  ["georadius_ro k 1 2 3 km", "read", "all", "none", "k"],
  ["migrate h 1 k 0 100", "write", "all", "keys", "k"],
  ["migrate h 1  0 100 COPY KEYS a b", "write", "all", "keys", "a b"],
  ["object ENCODING k", "read", "all", "none", "k"],
  ["memory usage k SAMPLES 5", "read", "all", "none", "k"],
  ["xinfo STREAM k", "read", "all", "none", "k"],
  ["xgroup CREATE k g $", "write", "all", "keys", "k"],
  ["copy a b", "write", "all", "keys", "a b"],
  ["copy a b DB 1", "write", "all", "unknown", "a b"],
  ["move k 1", "write", "all", "unknown", "k"],
  ["blpop a b 0", "dedicated", "all", "keys", "a b"],
  ["wait 1 100", "dedicated", "none", "none", ""],
  ["watch a b", "dedicated", "all", "none", "a b"],
  ["scan 0 MATCH x", "pinned", "none", "none", ""],
  ["publish c m", "master", "none", "none", ""],
  ["pfcount a b", "read", "all", "none", "a b"],
  ["flushall", "write", "none", "unknown", ""],
  ["swapdb 0 1", "write", "none", "unknown", ""],
  ["function LOAD x", "write", "none", "unknown", ""],
  ["dbsize", "read", "none", "none", ""],
  ["no.such k", "write", "none", "unknown", ""],
];

describe.each<Form>(["static", "server", "buffers", "maps"])("%s", (form) => {
  const table = tableOf(form);
  test.each(CALLS)("%s", (call, intent, keysKnown, effects, keys) => {
    const [name, ...args] = call.split(" ") as [string, ...string[]];
    for (const given of [args, args.map((arg) => Buffer.from(arg))]) {
      const spec = table.of(name, given);
      expect([spec.intent, spec.keysKnown, spec.effects]).toEqual([intent, keysKnown, effects]);
      const found = keysOf(spec, given);
      expect(found.map((i) => args[i]).join(" ")).toBe(keys);
      expect(spec.firstKeyOnly).toBe(spec.firstKeyOnly && found.length === 1 && found[0] === 0);
      expect(spec.blocking).toBe(intent === "dedicated" && spec.name !== "watch");
      expect(spec.known).toBe(name !== "no.such");
    }
  });
});

const spec = (flags: string[], begin: unknown[], find: unknown[]) => [
  "flags",
  flags,
  "begin_search",
  begin,
  "find_keys",
  find,
];
const range = (lastkey: number, keystep: number, limit: number) => [
  "type",
  "range",
  "spec",
  ["lastkey", lastkey, "keystep", keystep, "limit", limit],
];
const index = (at: number) => ["type", "index", "spec", ["index", at]];
const keyword = (word: string, from: number) => ["type", "keyword", "spec", ["keyword", word, "startfrom", from]];
const module = (name: string, flags: string[], ...specs: unknown[]) => [name, -2, flags, 0, 0, 0, [], [], specs, []];

test("a module's commands route by what the server says of them, in every kind of key specification", () => {
  const table = new CommandTable();
  expect(table.of("m.get", ["k"]).intent).toBe("write");
  table.override([
    module("m.get", ["readonly", "module"], spec(["RO"], index(1), range(0, 1, 0))),
    module("m.many", ["readonly"], spec(["RO"], index(2), range(-1, 2, 0))),
    module("m.half", ["readonly"], spec(["RO"], keyword("OF", 1), range(-1, 1, 2))),
    module("m.last", ["write"], spec(["OW"], keyword("TO", -2), range(0, 1, 0))),
    module(
      "m.count",
      ["write"],
      spec(["RW"], index(1), ["type", "keynum", "spec", ["keynumidx", 0, "firstkey", 1, "keystep", 2]]),
    ),
    module("m.part", ["readonly"], spec(["RO", "incomplete"], index(1), range(0, 1, 0))),
    module(
      "m.dark",
      ["write"],
      spec(["OW"], index(1), range(0, 1, 0)),
      spec(["OW"], ["type", "unknown", "spec", []], range(0, 1, 0)),
    ),
    module("m.note", [], spec(["not_key"], index(1), range(0, 1, 0))),
    module("m.odd", ["module"]),
  ]);
  const keys = (call: string) => {
    const [name, ...args] = call.split(" ") as [string, ...string[]];
    const found = table.of(name, args);
    return `${found.intent} ${found.keysKnown} ${found.effects}: ${keysOf(found, args).map((i) => args[i])}`;
  };
  expect(keys("m.get k x")).toBe("read all none: k");
  expect(keys("M.MANY o a 1 b 2")).toBe("read all none: a,b");
  expect(keys("m.half x OF a b 1 2")).toBe("read all none: a,b");
  expect(keys("m.half x")).toBe("read all none: ");
  expect(keys("m.last TO a TO d")).toBe("write all keys: d");
  expect(keys("m.count 2 a 1 b 2")).toBe("write all keys: a,b");
  expect(keys("m.part a b")).toBe("read partial none: a");
  expect(table.lookup("m.part").firstKeyOnly).toBe(false);
  expect(table.lookup("m.get").firstKeyOnly).toBe(true);
  expect(keys("m.dark a b")).toBe("write partial unknown: a");
  expect(keys("m.note c")).toBe("master none none: ");
  expect(keys("m.odd x")).toBe("master none unknown: ");
});

test("before 7.0 there are no key specifications: keys that move are not all known", () => {
  const table = new CommandTable();
  expect(
    table.override([
      ["m.sort", -2, ["write", "movablekeys"], 1, 1, 1, ["@write"]],
      ["object", -2, ["readonly"], 2, 2, 1, []],
    ]),
  ).toBe(2);
  expect(table.of("m.sort", ["a", "b"])).toMatchObject({ keysKnown: "partial", effects: "unknown" });
  expect(table.of("object", ["freq", "k"])).toMatchObject({ intent: "read", name: "object|freq" });
});

test("what is no list of commands overrides nothing", () => {
  const table = new CommandTable();
  expect(table.override([null, 7, "get", [], ["get"], {}])).toBe(0);
  expect(table.lookup("get").intent).toBe("read");
});

test("names of prototypes are unknown commands", () => {
  for (const name of ["constructor", "__proto__", "toString"])
    expect(new CommandTable().lookup(name).known).toBe(false);
});

test("positions of common commands are one shared array, whatever the call", () => {
  const table = new CommandTable();
  const mget = table.lookup("mget");
  expect(keysOf(mget, ["a", "b"])).toBe(keysOf(mget, ["c", "d"]));
  expect(table.lookup("GET")).toBe(table.lookup("get"));
});
