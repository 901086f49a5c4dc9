import { afterEach, expect, it } from "vitest";
import { DevServer } from "../../../src/server/index.js";
import { eventually } from "../../support/eventually.js";
import { describeReal, RedisProcess, startRedis } from "../../support/real-redis.js";
import { ask, expectEqual, expectNoComplaint, info, type Node } from "./nodes.js";

const started: Node[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

const of = (node: Node): { host: string; port: number } => ({ host: "127.0.0.1", port: node.port });

async function start(kind: "dev" | "real", replicaOf?: Node): Promise<Node> {
  const options = replicaOf === undefined ? {} : { replicaOf: of(replicaOf) };
  const node = kind === "dev" ? await DevServer.start(options) : await startRedis(options);
  started.push(node);
  return node;
}

/** A stream of several nodes with holes, trimmed at the front, with groups in all states. */
async function fill(node: Node): Promise<void> {
  for (let i = 1; i <= 250; i++)
    await ask(node, "XADD", "x", `${i}-1`, "field", String(i * 7919), "text", `value ${i}`);
  await ask(node, "XADD", "x", "9007199254740993-18446744073709551615", "other", "-70000", "", "");
  await ask(node, "XDEL", "x", "120-1", "121-1", "250-1");
  await ask(node, "XTRIM", "x", "MAXLEN", "200");
  await ask(node, "XGROUP", "CREATE", "x", "readers", "0");
  await ask(node, "XGROUP", "CREATE", "x", "unknown", "77-0");
  await ask(node, "XREADGROUP", "GROUP", "readers", "alice", "COUNT", 30, "STREAMS", "x", ">");
  await ask(node, "XREADGROUP", "GROUP", "readers", "bob", "COUNT", 3, "STREAMS", "x", ">");
  await ask(node, "XREADGROUP", "GROUP", "unknown", "bob", "NOACK", "COUNT", 3, "STREAMS", "x", ">");
  await ask(node, "XACK", "x", "readers", "60-1", "61-1");
  await ask(node, "XADD", "empty", "5-5", "f", "v");
  await ask(node, "XDEL", "empty", "5-5");
  await ask(node, "PFADD", "sketch", ...Array.from({ length: 300 }, (_, i) => `element ${i}`));
}

/** Everything that can be told of a stream. Nodes are not: what was deleted is not sent on. */
async function told(node: Node): Promise<unknown> {
  const full = await ask(node, "XINFO", "STREAM", "x", "FULL", "COUNT", 0);
  return [full, await ask(node, "XINFO", "STREAM", "empty"), await ask(node, "PFCOUNT", "sketch")];
}

async function expectSame(master: Node, replica: Node): Promise<void> {
  await eventually(async () => expect((await info(replica)).get("master_link_status")).toBe("up"));
  await expectEqual(master, replica);
  expect(await told(replica)).toEqual(await told(master));
}

describeReal("streams between a dev server and a real one", () => {
  it.each([
    ["dev", "real"],
    ["real", "dev"],
    ["dev", "dev"],
  ] as const)("arrive with counters, groups and what is pending: %s to %s", async (from, to) => {
    const master = await start(from);
    await fill(master);
    const replica = await start(to, master);
    await expectSame(master, replica);
    // What goes on by the replication stream must meet the same state.
    await ask(master, "XREADGROUP", "GROUP", "readers", "carol", "COUNT", 2, "STREAMS", "x", ">");
    await ask(master, "XAUTOCLAIM", "x", "readers", "carol", 0, "0", "COUNT", 5);
    await ask(master, "XADD", "x", "MAXLEN", "~", "120", "9007199254740994-*", "field", "last");
    await ask(master, "XGROUP", "DELCONSUMER", "x", "readers", "bob");
    await expectEqual(master, replica);
    expect(await ask(replica, "XPENDING", "x", "readers")).toEqual(await ask(master, "XPENDING", "x", "readers"));
    expect(await ask(replica, "XINFO", "GROUPS", "x")).toEqual(await ask(master, "XINFO", "GROUPS", "x"));
    for (const node of started) if (node instanceof RedisProcess) expectNoComplaint(node);
  });
});
