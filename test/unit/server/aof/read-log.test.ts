import { describe, expect, it } from "vitest";
import { BadLog, readLog, TruncatedLog } from "../../../../src/server/aof/read-log.js";

const SET = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\nv1\r\n";
const read = (text: string) => [...readLog(Buffer.from(text, "latin1"))];

describe("readLog", () => {
  it("reads commands with where they end, and passes time stamps over", () => {
    expect(read(`#TS:1\r\n${SET}#TS:2\r\n${SET}`)).toEqual([
      { args: ["SET", "k", "v1"], end: 7 + SET.length },
      { args: ["SET", "k", "v1"], end: 14 + 2 * SET.length },
    ]);
  });

  it("takes every cut inside a command for a truncation", () => {
    for (let cut = 1; cut < SET.length; cut++) {
      expect(() => read(SET + SET.slice(0, cut)), `after ${cut} bytes`).toThrow(TruncatedLog);
    }
    expect(read(SET)).toHaveLength(1);
  });

  it.each([
    "hello\r\n",
    "*x\r\n",
    "*0\r\n",
    "*1\r\n+OK\r\n",
    "*1\r\n$-1\r\n",
    "*1\r\n$1\r\nabc\r\n",
    "*1\r\n$99999999999\r\n",
  ])("%j is no log", (text) => expect(() => read(text)).toThrow(BadLog));
});
