import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DevServer } from "../../../src/server/index.js";
import { eventually } from "../../support/eventually.js";
import { RawClient, show } from "../../support/raw-client.js";

const BUSY = "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";

let server: DevServer;
let first: RawClient;
let second: RawClient;

beforeEach(async () => {
  server = await DevServer.start({ config: { "busy-reply-threshold": "5" } });
  first = await RawClient.connect(server.port);
  second = await RawClient.connect(server.port);
});
afterEach(async () => {
  first.close();
  second.close();
  await server.stop();
});

/** A reply as text; simple strings and errors without quotes. */
const tell = async (client: RawClient, ...args: readonly string[]): Promise<string> =>
  show(await client.call(...args)).replace(/^([+-])"(.*)"$/s, "$1$2");

/** Waits until others are told that the server is busy. */
const busy = (): Promise<void> => eventually(async () => expect(await tell(second, "ping")).toBe(BUSY));

describe("while a script takes long", () => {
  it.each([
    ["a loop", "while true do end"],
    ["a loop that calls commands", "while true do redis.call('ping') end"],
    ["a loop inside pcall", "while true do pcall(function() while true do redis.call('ping') end end) end"],
    ["a loop inside a coroutine", "coroutine.wrap(function() while true do end end)()"],
  ])("others hear BUSY and can kill it: %s", async (_name, script) => {
    const reply = tell(first, "eval", script, "0");
    await busy();
    expect(await tell(second, "function", "kill")).toBe(BUSY);
    expect(await tell(second, "script", "kill")).toBe("+OK");
    expect(await reply).toMatch(
      /^-ERR Script killed by user with SCRIPT KILL\.\.\. script: [0-9a-f]{40}, on @user_script:1\.$/,
    );
    expect(await tell(second, "ping")).toBe("+PONG");
    expect(await tell(first, "eval", "return 1", "0")).toBe(':"1"');
  });

  it("one that has written can't be killed, and its writes are one transaction", async () => {
    const script = "redis.call('set', 'a', '1') for i = 1, 4e7 do end redis.call('set', 'b', '2') return 'done'";
    await tell(second, "rpush", "other", "x");
    const reply = tell(first, "eval", script, "0");
    await busy();
    expect(await tell(second, "script", "kill")).toMatch(/^-UNKILLABLE /);
    expect(await tell(second, "get", "a")).toBe(BUSY);
    expect(await tell(second, "shutdown")).toBe(BUSY);
    expect(await reply).toBe('$"done"');
    expect(await tell(second, "mget", "a", "b")).toBe('*[$"1" $"2"]');
  });

  it("a client that waits for a key gets it when the script is done, not before", async () => {
    const waiting = tell(second, "blpop", "q", "0");
    const third = await RawClient.connect(server.port);
    await eventually(async () => expect(await tell(third, "info", "clients")).toContain("blocked_clients:1"));
    const reply = tell(
      first,
      "eval",
      "redis.call('rpush', 'q', 'x') for i = 1, 2e7 do end redis.call('lpush', 'q', 'w')",
      "0",
    );
    await eventually(async () => expect(await tell(third, "ping")).toBe(BUSY));
    // Allowed meanwhile; it must not wake anybody.
    expect(await tell(third, "unwatch")).toBe("+OK");
    expect(await tell(third, "discard")).toMatch(/^-ERR DISCARD without MULTI/);
    expect(await waiting).toBe('*[$"q" $"w"]');
    expect(await reply).toBe("$-1");
    third.close();
  });

  it("functions have their own way to be killed, and are shown", async () => {
    await tell(
      first,
      "function",
      "load",
      "#!lua name=lib\nredis.register_function('f', function() while true do end end)",
    );
    const reply = tell(first, "fcall", "f", "0");
    await eventually(async () => expect(await tell(second, "ping")).toMatch(/^-BUSY .*FUNCTION KILL/));
    expect(await tell(second, "function", "stats")).toMatch(
      /"name" \$"f" \$"command" \*\[\$"fcall" \$"f" \$"0"\] \$"duration_ms"/,
    );
    expect(await tell(second, "function", "kill")).toBe("+OK");
    expect(await reply).toMatch(/^-ERR Script killed by user/);
  });

  it("the server can be stopped", async () => {
    const reply = tell(first, "eval", "while true do end", "0").catch(() => "closed");
    await busy();
    await server.stop();
    expect(await reply).toBe("closed");
  });

  it("the caller may leave: the script goes on to its end", async () => {
    void first.call("eval", "for i = 1, 3e7 do end redis.call('set', 'k', 'v')", "0").catch(() => {});
    await busy();
    first.close();
    await eventually(async () => expect(await tell(second, "get", "k")).toBe('$"v"'), { timeoutMs: 10_000 });
  });
});
