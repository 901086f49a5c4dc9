import { Duplex } from "node:stream";
import { expect, it } from "vitest";
import { ManualClock } from "../../../src/core/manual-clock.js";
import { MigrationTargets } from "../../../src/server/migration/targets.js";
import type { Transport } from "../../../src/server/net/transport.js";
import { StreamApplier } from "../../../src/server/replication/applier.js";
import { encodeCommand } from "../../../src/server/replication/stream.js";
import { StreamGate } from "../../../src/server/replication/stream-gate.js";
import { SentinelLink } from "../../../src/server/sentinel/link.js";
import type { ServerCore } from "../../../src/server/server-core.js";
import { ReplicationTap } from "../../../src/server/tap.js";
import { startServer } from "./replication/harness.js";

const MIB = 1024 * 1024;
/** One piece for all of a test: what is held holds it by reference. */
const PIECE = Buffer.alloc(16 * MIB, "x");

/** A way to peers that take everything and answer nothing. */
function silentPeers() {
  const opened: Duplex[] = [];
  const connect = (): Duplex => {
    const stream = new Duplex({ read() {}, write: (_chunk, _encoding, taken) => taken() });
    opened.push(stream);
    return stream;
  };
  return { opened, transport: { connect } as unknown as Transport };
}

it("client-query-buffer-limit: a query that grows beyond it closes its connection, and no other", async () => {
  const { connect } = startServer({ "client-query-buffer-limit": 2 * MIB });
  const [greedy, modest] = [connect(), connect()];
  await modest.send(`*1\r\n$${3 * MIB}\r\n${"x".repeat(MIB)}`);
  await greedy.send(`*1\r\n$${3 * MIB}\r\n${"x".repeat(2 * MIB + 1)}`);
  expect([greedy.closed, modest.closed]).toEqual([true, false]);
});

it("a stream that a replica has received and not applied: beyond 1 GiB its link is broken", () => {
  const broken: string[] = [];
  const applier = new StreamApplier(new ManualClock(), {
    begin() {},
    holds: () => false,
    run: () => false,
    applied() {},
    ackAsked() {},
    broken: (reason) => void broken.push(reason),
  });
  applier.hold(0, true);
  for (let i = 0; i < 64; i++) applier.push(PIECE);
  expect([applier.behind, broken]).toEqual([1024 * MIB, []]);
  applier.push(Buffer.from("x"));
  expect(broken).toEqual(["too much of it waits to be applied"]);
});

it("a stream that a test holds back: beyond 256 MiB its link is cut", () => {
  let cuts = 0;
  const gate = new StreamGate({
    clock: new ManualClock(),
    pass() {},
    received: () => 0,
    unparsed: () => Buffer.alloc(0),
    cut: () => void cuts++,
  });
  gate.closed = true;
  for (let i = 0; i < 16; i++) gate.push(PIECE);
  expect([gate.heldBytes, cuts]).toEqual([256 * MIB, 0]);
  gate.push(Buffer.from("x"));
  expect(cuts).toBe(1);
});

it("commands that a tap keeps: of more than 100,000 the oldest are forgotten", () => {
  const tap = new ReplicationTap(
    new ManualClock(),
    () => {},
    () => {},
  );
  tap.begin(0);
  let offset = 0;
  for (let i = 0; i < 100_002; i++) {
    const bytes = Buffer.from(encodeCommand(["SET", "k", String(i)]));
    tap.take(bytes, (offset += bytes.length));
  }
  expect(tap.commands).toHaveLength(100_000);
  expect(tap.commands[0]?.args[2]).toBe("2");
  expect(tap.commands.at(-1)).toMatchObject({ args: ["SET", "k", "100001"], offset });
});

it("connections that MIGRATE keeps: for a 65th server the oldest is closed", () => {
  const { opened, transport } = silentPeers();
  const core = { clock: new ManualClock(), transport, config: { flag: () => false } } as unknown as ServerCore;
  const targets = new MigrationTargets(core);
  for (let port = 1; port <= 65; port++) targets.take("10.0.0.1", port);
  expect(targets.count).toBe(64);
  expect(opened.map(({ destroyed }) => destroyed).slice(0, 3)).toEqual([true, false, false]);
  targets.stop();
  expect(opened.every(({ destroyed }) => destroyed)).toBe(true);
});

it("commands that a Sentinel has sent and a peer not answered: a 101st closes the link", () => {
  const { opened, transport } = silentPeers();
  const link = new SentinelLink({ transport, clock: new ManualClock(), host: "10.0.0.1", port: 1, name: "sentinel" });
  for (let sent = 1; sent < 100; sent++) link.send(["PING"]);
  expect(link.closed).toBe(false);
  link.send(["PING"]);
  expect([link.closed, opened[0]?.destroyed]).toEqual([true, true]);
});
