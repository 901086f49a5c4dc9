import { Command } from "ioredis";
import { expect, it } from "vitest";
import { BlockingCommands } from "../../../../src/client/connection/dedicated/blocking.js";
import { ConnectionPool } from "../../../../src/client/connection/dedicated/connection-pool.js";
import type { DedicatedHost } from "../../../../src/client/connection/dedicated/host.js";
import { resolveOptions } from "../../../../src/client/options.js";
import { ManualClock } from "../../../../src/core/manual-clock.js";
import { seededRandom } from "../../../../src/core/random.js";
import { FakeConnection } from "../engine/support/fake-connection.js";

const CALL = { db: 0, readOnly: false, timeoutMs: null, signal: null };

/** Blocking commands on connections of which the test answers each; what is asked of a former master lies on its way. */
function stage() {
  const opened: FakeConnection[] = [];
  const control = { master: "a:1" };
  const host: DedicatedHost = {
    clock: new ManualClock(),
    random: seededRandom(7),
    options: resolveOptions({ master: "a" }),
    master: async () => ({ node: control.master, endpoint: { host: "a", port: 1 } }),
    currentMaster: () => control.master,
    connect: async (target) => {
      const connection = Object.assign(new FakeConnection(target.node), { internal() {} });
      opened.push(connection);
      return connection.asReal;
    },
    openOptions: () => Promise.reject(new Error("not used")),
    requestCheck() {},
  };
  const commands = new BlockingCommands(host, new ConnectionPool(host));
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { commands, control, opened, settle };
}

const blpop = (): Command => new Command("blpop", ["list", "1"], { replyEncoding: null });

it("a connection on which a command was called off is not lent again: CLIENT UNBLOCK may come late, and hit the next one", async () => {
  const { commands, control, opened, settle } = stage();
  const first = commands.run(blpop(), CALL);
  await settle();
  control.master = "b:2";
  commands.masterChanged("b:2");
  await settle();
  // It is the master again before CLIENT UNBLOCK has come there, and the time of the command is up.
  control.master = "a:1";
  opened[0]?.answer(null);
  expect(await first).toBeNull();
  expect(opened[0]?.state).toBe("closed");
  const second = commands.run(blpop(), CALL);
  await settle();
  expect(opened.map(({ log }) => log.length)).toEqual([1, 0, 1]);
  opened[2]?.answer(null);
  await second;
  expect(opened[2]?.state).toBe("open");
});
