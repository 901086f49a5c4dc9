import { inspect } from "node:util";
import { ReplyError } from "ioredis";
import { describe, expect, it } from "vitest";
import { decorateReplyError } from "../../../../src/client/errors.js";

/** As ioredis hands it out: the whole command hangs on it. */
function fromIoredis(message: string): Error & { command: { name: string; args: string[] } } {
  return Object.assign(new ReplyError(message) as Error, { command: { name: "auth", args: ["canary-4711"] } });
}

describe("a server's error reply", () => {
  it("stays itself: class, name, message and stack", () => {
    const error = fromIoredis("WRONGTYPE Operation against a key");
    const { stack } = error;
    const decorated = decorateReplyError(error, { node: "a:1", command: "LPUSH" });
    expect(decorated).toBe(error);
    expect(decorated).toBeInstanceOf(ReplyError);
    expect(decorated).toMatchObject({ name: "ReplyError", message: "WRONGTYPE Operation against a key", stack });
  });

  it("tells node, code and command, not enumerable", () => {
    const decorated = decorateReplyError(fromIoredis("ERR syntax error"), { node: "a:1", command: "SET" });
    expect(decorated.node).toBe("a:1");
    expect(decorated.code).toBe("ERR");
    expect(decorated.command).toEqual({ name: "set", args: [] });
    expect(Object.keys(decorated)).toEqual([]);
  });

  it("has lost the values that ioredis hangs on it (FAULTS.md finding 5: passwords of AUTH and HELLO)", () => {
    const decorated = decorateReplyError(fromIoredis("WRONGPASS invalid"), { command: "auth" });
    expect(`${inspect(decorated, { showHidden: true })}${JSON.stringify(decorated)}`).not.toContain("canary");
    expect("node" in decorated).toBe(false);
  });

  it("so have the errors of the commands in an aborted transaction", () => {
    const error = Object.assign(fromIoredis("EXECABORT Transaction discarded"), {
      previousErrors: [fromIoredis("ERR wrong number of arguments")],
    });
    const decorated = decorateReplyError(error, { node: "a:1", command: "exec" });
    expect(inspect(decorated, { showHidden: true, depth: 9 })).not.toContain("canary");
    expect(error.previousErrors[0]).toMatchObject({ code: "ERR", command: { name: "auth", args: [] } });
  });

  it("of one word is its own code", () => {
    expect(decorateReplyError(new ReplyError("OOPS") as Error, { command: "x" }).code).toBe("OOPS");
  });

  it("that is frozen is answered with a copy of the same class", () => {
    const frozen = Object.freeze(fromIoredis("ERR no"));
    const decorated = decorateReplyError(frozen, { node: "a:1", command: "set" });
    expect(decorated).toBeInstanceOf(ReplyError);
    expect(decorated).toMatchObject({ message: "ERR no", code: "ERR", node: "a:1", stack: frozen.stack });
    expect(inspect(decorated, { showHidden: true })).not.toContain("canary");
  });
});
