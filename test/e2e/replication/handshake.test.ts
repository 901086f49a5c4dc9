import { once } from "node:events";
import { createConnection } from "node:net";
import { afterEach, expect, it } from "vitest";
import { DevServer } from "../../../src/server/index.js";
import { eventually } from "../../support/eventually.js";
import { describeReal, startRedis } from "../../support/real-redis.js";
import { ask, expectEqual, info, type Node } from "./nodes.js";

type Kind = "dev" | "real";

const started: Node[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

async function start(kind: Kind, directives: Record<string, string>, master?: Node): Promise<Node> {
  const replicaOf = master ? { replicaOf: { host: "127.0.0.1", port: master.port } } : {};
  const server =
    kind === "dev"
      ? await DevServer.start({ config: directives, ...replicaOf })
      : await startRedis({
          args: Object.entries(directives).flatMap(([name, value]) => [`--${name}`, value]),
          ...replicaOf,
        });
  started.push(server);
  return server;
}

const linked = (node: Node): Promise<unknown> =>
  eventually(async () => expect((await info(node)).get("master_link_status")).toBe("up"));

/** What comes on a connection until it is closed. */
async function untilClosed(node: Node, ...lines: string[]): Promise<string> {
  const socket = createConnection({ host: "127.0.0.1", port: node.port });
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
  });
  socket.write(lines.map((line) => `${line}\r\n`).join(""));
  await once(socket, "close");
  return text;
}

describeReal("a replica that sends what is answered", () => {
  it.each(["dev", "real"] as const)("gets no answer into its stream, but a closed link: master %s", async (kind) => {
    const master = await start(kind, {});
    expect(await untilClosed(master, "SYNC", "PING")).not.toContain("PONG");
    expect(await untilClosed(master, "SYNC", "GET a")).not.toContain("keyspace");
    expect(await untilClosed(master, "PSYNC x y", "QUIT")).toContain("-ERR value is not an integer or out of range");
  });
});

describeReal("the handshake between both kinds", () => {
  it.each([
    ["dev", "real"],
    ["real", "dev"],
    ["dev", "dev"],
  ] as const)("uses the replica's user and shows where it says it is: master %s, replica %s", async (first, second) => {
    const master = await start(first, {});
    await ask(master, "ACL", "SETUSER", "follower", "on", ">secret", "+psync", "+replconf", "+ping");
    await ask(master, "SET", "a", "1");
    const replica = await start(
      second,
      {
        masteruser: "follower",
        masterauth: "secret",
        "replica-announce-ip": "replica.example",
        "replica-announce-port": "7777",
      },
      master,
    );
    await linked(replica);
    await expectEqual(master, replica);
    expect((await info(master)).get("slave0")).toMatch(/^ip=replica\.example,port=7777,state=online,/);
    expect(await ask(master, "ROLE")).toEqual([
      "master",
      expect.any(Number),
      [["replica.example", "7777", expect.any(String)]],
    ]);
    expect(String(await ask(master, "CLIENT", "LIST", "TYPE", "replica"))).toMatch(/flags=S .*user=follower/);
    expect(String(await ask(replica, "CLIENT", "LIST", "TYPE", "master"))).toMatch(
      new RegExp(`addr=127\\.0\\.0\\.1:${master.port} .*flags=M `),
    );
  });

  it.each([
    ["dev", "real"],
    ["real", "dev"],
  ] as const)("stays without a link where the user may not PSYNC: master %s, replica %s", async (first, second) => {
    const master = await start(first, {});
    await ask(master, "ACL", "SETUSER", "follower", "on", ">secret", "+replconf", "+ping");
    const replica = await start(second, { masteruser: "follower", masterauth: "secret" }, master);
    await eventually(async () => expect(String(await ask(master, "ACL", "LOG"))).toMatch(/psync/));
    expect((await info(replica)).get("master_link_status")).toBe("down");
    expect((await info(master)).get("connected_slaves")).toBe("0");
    // Once it may, it comes by itself.
    await ask(master, "ACL", "SETUSER", "follower", "+psync", "+sync");
    await linked(replica);
  });
});
