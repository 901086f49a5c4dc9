import { describe, expect, it } from "vitest";
import { Flag } from "../../../../src/server/dispatch/flags.js";
import { stateError } from "../../../../src/server/faults/error-texts.js";

describe("Errors that fail() gives", () => {
  const read = Flag.readonly;
  const write = Flag.write | Flag.denyOom;
  const infoLike = Flag.loading | Flag.stale;

  it.each([
    ["LOADING", "LOADING Redis is loading the dataset in memory", [read, write], [infoLike]],
    ["MASTERDOWN", /^MASTERDOWN Link with MASTER is down/, [read, write], [infoLike]],
    ["READONLY", "READONLY You can't write against a read only replica.", [write], [read, infoLike]],
    ["NOREPLICAS", "NOREPLICAS Not enough good replicas to write.", [write], [read, infoLike]],
    ["OOM", /^OOM command not allowed/, [write], [read, infoLike]],
    ["MISCONF", /^MISCONF Redis is configured to save RDB snapshots/, [write], [read]],
    ["BUSY", /^BUSY Redis is busy running a script/, [read, write, infoLike], []],
    ["NOAUTH", "NOAUTH Authentication required.", [read, write], [Flag.noAuth]],
    ["ODD", "ODD injected by a fault", [read, infoLike], []],
    ["ERR as it is", "ERR as it is", [read, infoLike], []],
    ["constructor", "constructor injected by a fault", [read], []],
  ] as const)("%s has a real server's text and refuses what that refuses", (code, text, refused, spared) => {
    const { reply, refuses } = stateError(code);
    if (typeof text === "string") expect(reply.text).toBe(text);
    else expect(reply.text).toMatch(text);
    for (const bits of refused) expect(refuses(bits)).toBe(true);
    for (const bits of spared) expect(refuses(bits)).toBe(false);
  });

  it("takes a message as it is, on one line", () => {
    expect(stateError({ message: "ERR a\r\nb" }).reply.text).toBe("ERR a b");
  });
});
