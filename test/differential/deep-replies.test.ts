import { connect } from "node:net";
import { DevServer } from "ioreplica/dev";
import { afterAll, beforeAll, expect, it } from "vitest";
import { encodeCommand } from "../support/raw-client.js";
import { describeReal, type RedisProcess, startRedis } from "../support/real-redis.js";

/** All bytes that a server answers before it closes: what is asked ends with QUIT. */
function answerTo(port: number, script: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      text += chunk;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
    socket.write(Buffer.concat([encodeCommand(["EVAL", script, 0]), encodeCommand(["QUIT"])]));
  });
}

describeReal("tables that lead into themselves are answered as deep as Lua's stack goes, as in Redis", () => {
  let dev: DevServer;
  let real: RedisProcess;
  beforeAll(async () => {
    [dev, real] = await Promise.all([DevServer.start(), startRedis()]);
  });
  afterAll(() => Promise.all([dev?.stop(), real?.stop()]));

  // A recursion used up the stack of the process instead, and left the script's table for all scripts to come.
  it.each([
    ["an array", "local a={}; local b={a}; a[1]=b; return a"],
    ["an array in a deep one", "local a={1} for i=1,3000 do a={a} end return a"],
    ["a map, by its values", "redis.setresp(3); local a={}; a.map={x=a}; return a"],
    ["a map, by its keys", "redis.setresp(3); local a={}; a.map={}; a.map[a]=1; return a"],
    ["a set", "redis.setresp(3); local a={}; a.set={}; a.set[a]=true; return a"],
    ["an array with more behind it", "local a={} for i=1,300 do a={a,i} end return a"],
    ["what comes after them", "return {1,{2}}"],
  ])("%s", async (_name, script) => {
    const [ours, theirs] = await Promise.all([answerTo(dev.port, script), answerTo(real.port, script)]);
    expect(ours.length).toBe(theirs.length);
    expect(ours === theirs).toBe(true);
  });
});
