import { describe, expect, it } from "vitest";
import { encodeCommand, encodeReply } from "../../../../src/protocol/resp/encode.js";
import {
  BooleanReply,
  DoubleReply,
  ErrorReply,
  ManyReplies,
  MapReply,
  NO_REPLY,
  NULL_ARRAY,
  OK,
  PushReply,
  type Reply,
  SetReply,
  VerbatimReply,
} from "../../../../src/protocol/resp/reply.js";

describe("encodeReply", () => {
  it.each<[string, Reply, string, string]>([
    ["a bulk string", "a\r\n\xff", "$4\r\na\r\n\xff\r\n", "$4\r\na\r\n\xff\r\n"],
    ["a long bulk string", "x".repeat(2000), `$2000\r\n${"x".repeat(2000)}\r\n`, `$2000\r\n${"x".repeat(2000)}\r\n`],
    ["null", null, "$-1\r\n", "_\r\n"],
    ["the null array", NULL_ARRAY, "*-1\r\n", "_\r\n"],
    [
      "integers",
      [0, 1023, 1024, -1, 2n ** 63n - 1n],
      "*5\r\n:0\r\n:1023\r\n:1024\r\n:-1\r\n:9223372036854775807\r\n",
      "*5\r\n:0\r\n:1023\r\n:1024\r\n:-1\r\n:9223372036854775807\r\n",
    ],
    ["a status", OK, "+OK\r\n", "+OK\r\n"],
    ["an error on one line", new ErrorReply("ERR a\r\nb"), "-ERR a  b\r\n", "-ERR a  b\r\n"],
    ["a double", new DoubleReply(3.1), "$18\r\n3.1000000000000001\r\n", ",3.1000000000000001\r\n"],
    ["a boolean", new BooleanReply(true), ":1\r\n", "#t\r\n"],
    ["a map", new MapReply([["k", 1]]), "*2\r\n$1\r\nk\r\n:1\r\n", "%1\r\n$1\r\nk\r\n:1\r\n"],
    ["a set", new SetReply(["m"]), "*1\r\n$1\r\nm\r\n", "~1\r\n$1\r\nm\r\n"],
    ["a push", new PushReply(["m"]), "*1\r\n$1\r\nm\r\n", ">1\r\n$1\r\nm\r\n"],
    ["a verbatim string", new VerbatimReply("txt", "a"), "$1\r\na\r\n", "=5\r\ntxt:a\r\n"],
    ["several replies", new ManyReplies([1, 2]), ":1\r\n:2\r\n", ":1\r\n:2\r\n"],
    ["no reply", NO_REPLY, "", ""],
    [
      "nesting",
      [[null], new MapReply([["a", [new SetReply([1])]]])],
      "*2\r\n*1\r\n$-1\r\n*2\r\n$1\r\na\r\n*1\r\n*1\r\n:1\r\n",
      "*2\r\n*1\r\n_\r\n%1\r\n$1\r\na\r\n*1\r\n~1\r\n:1\r\n",
    ],
  ])("writes %s", (_name, reply, resp2, resp3) => {
    expect(encodeReply(reply, 2)).toBe(resp2);
    expect(encodeReply(reply, 3)).toBe(resp3);
  });

  it("writes what is nested thousands deep", () => {
    let [deep, resp2, resp3]: [Reply, string, string] = [1, ":1\r\n", ":1\r\n"];
    for (let i = 0; i < 10_000; i++) {
      deep = i % 2 === 0 ? [deep, "x"] : new MapReply([[deep, "x"]]);
      resp2 = `*2\r\n${resp2}$1\r\nx\r\n`;
      resp3 = `${i % 2 === 0 ? "*2" : "%1"}\r\n${resp3}$1\r\nx\r\n`;
    }
    expect(encodeReply(deep, 2) === resp2).toBe(true);
    expect(encodeReply(deep, 3) === resp3).toBe(true);
  });

  it("writes a command as clients and masters send it", () => {
    expect(encodeCommand(["SET", "k", ""])).toBe("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n");
  });
});
