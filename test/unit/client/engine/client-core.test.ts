import { EventEmitter } from "node:events";
import { Command } from "ioredis";
import { describe, expect, it } from "vitest";
import type { CarriedCommand, NodeConnection } from "../../../../src/client/connection/node-connection.js";
import { ClientCore, type Facade } from "../../../../src/client/engine/client-core.js";
import type { NodeLink } from "../../../../src/client/engine/node-link.js";
import { resolveOptions } from "../../../../src/client/options.js";
import { ManualClock } from "../../../../src/core/manual-clock.js";
import { seededRandom } from "../../../../src/core/random.js";

const NODE = "b:2";

/** A connection of one's own that answers nothing. */
class Dedicated {
  state = "open";
  reason = "";
  #command: CarriedCommand | null = null;

  send(command: CarriedCommand): void {
    command.connection = this as unknown as NodeConnection;
    this.#command = command;
  }

  answered(): void {}

  wasSent(): boolean {
    return true;
  }

  destroy(reason: string): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.reason = reason;
    this.#command?.reject(new Error("Connection is closed."));
  }
}

/** A client that knows the node b:2, whose own connections are opened by the test. */
function coreOf() {
  const facade = Object.assign(new EventEmitter(), { status: "ready" }) as unknown as Facade;
  const environment = { clock: new ManualClock(), random: seededRandom(1), connect: null };
  const core = new ClientCore(resolveOptions({ master: "a:1" }), facade, environment, null);
  const opened: Dedicated[] = [];
  const links = core.engine.links as Map<string, NodeLink>;
  const come = (): void => {
    links.set(NODE, { target: { node: NODE, endpoint: { host: "b", port: 2 } } } as unknown as NodeLink);
  };
  come();
  core.engine.connectApart = async () => {
    const connection = new Dedicated();
    opened.push(connection);
    return connection as unknown as NodeConnection;
  };
  return {
    core,
    opened,
    come,
    goes(): void {
      links.delete(NODE);
      core.changed({ type: "nodeRemoved", node: NODE });
    },
    block: (): Promise<unknown> =>
      core
        .dedicatedTo(NODE)
        .block(new Command("blpop", ["l", "0"]), { db: 0, readOnly: false, timeoutMs: null, signal: null }),
  };
}

const sink = Object.assign(new EventEmitter(), {}) as unknown as Facade;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

// Connections that were made by node() lived on after their node had left, blocked commands and WATCH with them.
describe("of a node that is removed", () => {
  it("the connections end that were opened for it alone, and what blocks on them", async () => {
    const { block, goes, opened } = coreOf();
    const blocked = block();
    await turn();
    goes();
    await expect(blocked).rejects.toMatchObject({ code: "IOREPLICA_UNKNOWN_OUTCOME", node: NODE });
    expect(opened).toMatchObject([{ state: "closed", reason: "the node was removed" }]);
    await expect(block()).rejects.toMatchObject({ code: "IOREPLICA_UNKNOWN_NODE" });
  });

  it("a connection that idles in the pool ends too, and who holds on to it is refused until the node is back", async () => {
    const { core, goes, come, opened } = coreOf();
    const dedicated = core.dedicatedTo(NODE);
    const watch = dedicated.transactions();
    await (await dedicated.lend("withConnection", sink)).end();
    expect(opened).toMatchObject([{ state: "open" }]);
    goes();
    expect(opened).toMatchObject([{ state: "closed", reason: "its node was removed" }]);
    await expect(watch.carry(new Command("watch", ["k"]), 0)).rejects.toMatchObject({
      code: "IOREPLICA_UNKNOWN_NODE",
    });
    come();
    await (await dedicated.lend("withConnection", sink)).end();
    expect(opened).toMatchObject([{ state: "closed" }, { state: "open" }]);
    // The connections are still those of the node, so that they end with it again.
    expect(core.dedicatedTo(NODE)).toBe(dedicated);
  });

  it("a lent connection is refused from then on, and who waits for one is told at once", async () => {
    const { core, goes, opened } = coreOf();
    const dedicated = core.dedicatedTo(NODE);
    const bound = await dedicated.lend("withConnection", sink);
    core.engine.connectApart = () => new Promise(() => {});
    const waits = dedicated.lend("withConnection", sink);
    await turn();
    goes();
    await expect(waits).rejects.toMatchObject({ code: "IOREPLICA_UNKNOWN_NODE" });
    await expect(bound.carry(new Command("ping", []), 0)).rejects.toMatchObject({ code: "IOREPLICA_CONNECTION_BOUND" });
    expect(opened).toMatchObject([{ state: "closed" }]);
  });

  it("nothing is kept that nobody holds", () => {
    const { core, goes } = coreOf();
    const dedicated = core.dedicatedTo(NODE);
    goes();
    expect(core.dedicatedTo(NODE)).not.toBe(dedicated);
  });
});
