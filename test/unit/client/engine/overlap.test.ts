import { describe, expect, it } from "vitest";
import type { Operation } from "../../../../src/client/engine/operation.js";
import { overlap } from "../../../../src/client/engine/write-acks.js";
import { CommandTable } from "../../../../src/client/routing/command-table.js";

const table = new CommandTable();

function write(db: number, name: string, ...args: string[]): Operation {
  return { db, spec: table.of(name, args), command: { name, args } } as unknown as Operation;
}

describe("whether two writes touch the same key", () => {
  it.each([
    ["one key in common", write(0, "set", "a", "1"), write(0, "incr", "a"), true],
    ["one of several in common", write(0, "mset", "a", "1", "b", "2"), write(0, "del", "c", "b"), true],
    ["none in common", write(0, "set", "a", "1"), write(0, "set", "b", "1"), false],
    ["the same name in another database", write(0, "set", "a", "1"), write(1, "set", "a", "1"), false],
    ["effects that can't be named", write(0, "set", "a", "1"), write(1, "flushall"), true],
  ])("%s", (_story, a, b, expected) => {
    expect([overlap(a, b), overlap(b, a)]).toEqual([expected, expected]);
  });
});
