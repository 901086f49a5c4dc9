import { describe, expect, it } from "vitest";
import { blockingTimeoutMs, withTimeout } from "../../../../src/client/connection/dedicated/blocking-arguments.js";
import type { UserCommand } from "../../../../src/client/connection/dedicated/host.js";

const command = (name: string, ...args: unknown[]): UserCommand => ({
  name,
  args,
  setReplyContext() {},
  toWritable: () => "the original",
});
const words = (each: UserCommand): string => String(each.toWritable({}));

describe("how long a command may block", () => {
  it.each<[number | null, UserCommand]>([
    [2000, command("blpop", "a", "b", "2")],
    [50, command("BRPOP", "a", 0.05)],
    [Number.POSITIVE_INFINITY, command("blpop", "a", "0")],
    [1000, command("blmove", "a", "b", "LEFT", "RIGHT", 1)],
    [1000, command("bzpopmin", "z", Buffer.from("1"))],
    [3000, command("blmpop", "3", 1, "a", "LEFT")],
    [500, command("xread", "COUNT", 2, "BLOCK", 500, "STREAMS", "block", "0")],
    [Number.POSITIVE_INFINITY, command("xreadgroup", "GROUP", "block", "7", "block", "0", "STREAMS", "s", ">")],
    [null, command("xread", "STREAMS", "block", "5")],
    [null, command("blpop", "a", "soon")],
    [null, command("blpop", "a", "-1")],
    [null, command("wait", 1, 100)],
  ])("%o", (expected, each) => expect(blockingTimeoutMs(each)).toBe(expected));
});

describe("asking again for what is left", () => {
  it("puts it where the command had it, in its unit, and never 0, which is for ever", () => {
    expect(words(withTimeout(command("blpop", "key", 10), 1500))).toBe(
      "*3\r\n$5\r\nblpop\r\n$3\r\nkey\r\n$3\r\n1.5\r\n",
    );
    expect(words(withTimeout(command("blmpop", 10, 1, "k", "LEFT"), 0.2))).toContain("$6\r\nblmpop\r\n$5\r\n0.001\r\n");
    expect(words(withTimeout(command("xread", "BLOCK", 10, "STREAMS", "s", "0"), 0.2))).toContain(
      "$5\r\nBLOCK\r\n$1\r\n1\r\n",
    );
  });

  it("keeps bytes as they are", () => {
    const key = Buffer.from([0xff, 0x00, 0x80]);
    const bytes = withTimeout(command("blpop", key, 10), 1000).toWritable({}) as Buffer;
    expect(bytes.includes(key)).toBe(true);
    expect(bytes.includes("$3\r\n")).toBe(true);
  });

  it("leaves alone what waits for ever or says nothing", () => {
    expect(words(withTimeout(command("blpop", "k", 0), Number.POSITIVE_INFINITY))).toBe("the original");
    expect(words(withTimeout(command("wait", 1, 0), 5))).toBe("the original");
  });
});
