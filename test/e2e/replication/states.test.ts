import { afterEach, expect, it } from "vitest";
import { DevServer } from "../../../src/server/index.js";
import { eventually } from "../../support/eventually.js";
import { PlayedMaster } from "../../support/played-master.js";
import { describeReal, startRedis } from "../../support/real-redis.js";
import { ReplicationTap } from "../../support/replication-tap.js";
import { ask, type Node } from "./nodes.js";

const ID = "c".repeat(40);
const OTHER_ID = "d".repeat(40);
/** An RDB file without keys; eight zero bytes mean that its checksum is not to be looked at. */
const payload = Buffer.from(`REDIS0010\xff${"\0".repeat(8)}`, "latin1");

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

const kinds = {
  real: () => startRedis(),
  dev: () => DevServer.start({ config: { "repl-diskless-sync": "no" } }),
};

/** What INFO and ROLE say, without what differs from run to run. */
async function view(node: Node, master: PlayedMaster): Promise<string> {
  const text = String(await ask(node, "INFO", "replication"));
  const role = JSON.stringify(await ask(node, "ROLE"));
  return withoutIds(`${text}${role}`)
    .replaceAll(String(master.port), "<master>")
    .replace(/(master_last_io_seconds_ago|down_since_seconds|sync_last_io_seconds_ago):\d+/g, "$1:<s>")
    .replace(/lag=\d/g, "lag=<s>");
}

/** Ids that chance has made, numbered. */
function withoutIds(text: string): string {
  const ids = new Map<string, string>();
  return text.replace(/\b[0-9a-f]{40}\b/g, (id) => {
    if (/^0+$/.test(id) || id === ID || id === OTHER_ID) return id;
    if (!ids.has(id)) ids.set(id, `<id ${ids.size + 1}>`);
    return ids.get(id) as string;
  });
}

/** Leads a server through every state that it can be in; what it said in each, and what it sent to its master. */
async function lifeOf(kind: keyof typeof kinds): Promise<[string, string][]> {
  const node = await kinds[kind]();
  const master = await PlayedMaster.start();
  started.push(node, master);
  const seen: [string, string][] = [];
  const look = async (state: string): Promise<void> => {
    seen.push([state, await view(node, master)]);
  };
  const said = async (what: string, end: RegExp): Promise<void> => {
    const text = await master.heard(end);
    seen.push([what, withoutIds(text).replaceAll(new RegExp(`\\$\\d+\r\n${node.port}`, "g"), "<port>")]);
  };
  const roleIs = (state: string): Promise<unknown> =>
    eventually(async () => expect(await ask(node, "ROLE")).toContain(state));

  await look("a master that nobody follows");
  await ask(node, "SET", "a", "1");
  await look("after a write that nobody hears");
  await ask(node, "CONFIG", "SET", "min-replicas-to-write", "1");
  await look("with a number of good replicas to have");
  await ask(node, "CONFIG", "SET", "min-replicas-to-write", "0");
  const tap = await ReplicationTap.attach(node.port);
  await ask(node, "SET", "a", "1");
  await ask(node, "PUBLISH", "a", "1");
  await eventually(() => tap.pending === 3);
  await look("with a replica");
  tap.close();
  await eventually(async () => expect(String(await ask(node, "INFO", "replication"))).toContain("connected_slaves:0"));
  await look("after the replica has gone");

  await ask(node, "REPLICAOF", "127.0.0.1", master.port);
  await said("first words", /PING\r\n$/);
  await look("in the handshake");
  master.say("+PONG\r\n");
  await said("introduction", /psync2\r\n$/);
  master.say("+OK\r\n+OK\r\n");
  await said("question, of one that was a master", /PSYNC\r\n(.*\r\n){4}$/);
  await look("waiting for the answer");
  master.say(`\n\n+FULLRESYNC ${ID} 500\r\n`);
  await roleIs("sync");
  await look("before the payload");
  master.say(`$${payload.length}\r\n`);
  master.say(payload.subarray(0, 10));
  await eventually(async () =>
    expect(String(await ask(node, "INFO", "replication"))).toContain("master_sync_read_bytes:10\r\n"),
  );
  await look("in the midst of the payload");
  master.say(payload.subarray(10));
  await roleIs("connected");
  await look("linked");
  master.say("*1\r\n$4\r\nPING\r\n*3\r\n$8\r\nreplconf\r\n$6\r\ngetack\r\n$1\r\n*\r\n");
  await eventually(async () =>
    expect(String(await ask(node, "INFO", "replication"))).toContain("slave_repl_offset:551\r\n"),
  );
  await look("after PING and GETACK");
  master.say("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1");
  await eventually(async () =>
    expect(String(await ask(node, "INFO", "replication"))).toContain("slave_read_repl_offset:573\r\n"),
  );
  await look("in the midst of a command");
  await ask(node, "CONFIG", "SET", "replica-priority", "7", "replica-announced", "no", "replica-read-only", "no");
  await look("with other settings");
  const calls = master.calls;
  master.hangUp();
  await eventually(() => master.calls > calls);
  await said("first words again", /PING\r\n$/);
  await look("after the link was lost");
  master.say("+PONG\r\n");
  await said("introduction again", /psync2\r\n$/);
  master.say("+OK\r\n+OK\r\n");
  await said("question, of one that was linked", /PSYNC\r\n(.*\r\n){4}$/);
  master.say(`+CONTINUE ${OTHER_ID}\r\n`);
  await roleIs("connected");
  await look("resumed under another name");
  master.say("*1\r\n$5\r\nMULTI\r\n*1\r\n$4\r\nPING\r\n");
  await eventually(async () =>
    expect(String(await ask(node, "INFO", "replication"))).toContain("slave_read_repl_offset:580\r\n"),
  );
  await look("inside a transaction of the master");
  await ask(node, "REPLICAOF", "NO", "ONE");
  await look("promoted");
  await ask(node, "SET", "a", "1");
  await look("after a write of its own");
  await ask(node, "REPLICAOF", "127.0.0.1", master.port);
  await said("first words as a replica again", /PING\r\n$/);
  master.say("-ERR not now\r\n");
  await eventually(async () => expect(await ask(node, "ROLE")).not.toContain("connected"));
  return seen;
}

describeReal("a server in every state of replication", () => {
  it("says of itself what a real one says, and says the same to its master", async () => {
    const [real, dev] = await Promise.all([lifeOf("real"), lifeOf("dev")]);
    expect(dev.map(([state]) => state)).toEqual(real.map(([state]) => state));
    for (const [i, [state, text]] of real.entries()) {
      expect(`${state}\n${dev[i]?.[1]}`).toBe(`${state}\n${text}`);
    }
  }, 30_000);
});
