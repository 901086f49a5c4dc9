import { describe, expect, it } from "vitest";
import { ConnectionPool } from "../../../../src/client/connection/dedicated/connection-pool.js";
import type { DedicatedHost } from "../../../../src/client/connection/dedicated/host.js";
import type { NodeConnection } from "../../../../src/client/connection/node-connection.js";
import { type PoolOptions, resolveOptions } from "../../../../src/client/options.js";
import { deferred } from "../../../../src/core/deferred.js";
import { ManualClock } from "../../../../src/core/manual-clock.js";
import { seededRandom } from "../../../../src/core/random.js";

/** Lets everything run that waits for nothing but promises. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

function stage(pool: PoolOptions = {}) {
  const clock = new ManualClock();
  const opened: { state: string; reason: string; destroy(reason: string): void }[] = [];
  const control = { master: "a:1" as string | null, failure: null as Error | null, tries: 0, found: Promise.resolve() };
  const host: DedicatedHost = {
    clock,
    random: seededRandom(7),
    options: resolveOptions({ master: "a", pool, failoverTimeoutMs: 9000, limits: { queuedCommands: 3 } }),
    master: async () => {
      await control.found;
      return { node: control.master ?? "a:1", endpoint: { host: "a", port: 1 } };
    },
    currentMaster: () => control.master,
    connect: async () => {
      control.tries++;
      if (control.failure) throw control.failure;
      const connection = {
        state: "open",
        reason: "",
        destroy(reason: string) {
          if (this.state === "closed") return;
          this.state = "closed";
          this.reason = reason;
        },
      };
      opened.push(connection);
      return connection as unknown as NodeConnection;
    },
    openOptions: () => Promise.reject(new Error("not used")),
    requestCheck() {},
  };
  return { clock, opened, control, pool: new ConnectionPool(host) };
}

describe("the pool of dedicated connections", () => {
  it("lends a connection again, but not one that ended or leads to a former master", async () => {
    const { pool, opened, control } = stage();
    const first = await pool.acquire("blpop");
    pool.release(first);
    expect(await pool.acquire("blpop")).toBe(first);
    pool.release(first);
    opened[0]?.destroy("reset");
    const second = await pool.acquire("blpop");
    expect(second).not.toBe(first);
    control.master = "b:2";
    pool.release(second);
    expect(opened[1]).toMatchObject({ state: "closed", reason: "no longer the master" });
    const third = await pool.acquire("blpop");
    expect(third.target.node).toBe("b:2");
  });

  it("closes what idles, by our clock", async () => {
    const { pool, clock, opened } = stage({ idleTimeoutMs: 1000 });
    pool.release(await pool.acquire("blpop"));
    clock.advance(999);
    expect(opened[0]?.state).toBe("open");
    clock.advance(1);
    expect(opened[0]).toMatchObject({ state: "closed", reason: "idle" });
    expect(clock.pending).toBe(0);
    await pool.acquire("blpop");
    expect(opened).toHaveLength(2);
  });

  it("never has more than max, tells who waits too long, and passes a late connection on", async () => {
    const { pool, clock, opened } = stage({ max: 1, acquireTimeoutMs: 100 });
    const first = await pool.acquire("blpop");
    const late = expect(pool.acquire("brpop")).rejects.toMatchObject({
      code: "IOREPLICA_POOL_EXHAUSTED",
      max: 1,
      command: { name: "brpop" },
    });
    await settle();
    clock.advance(100);
    await late;
    const patient = pool.acquire("blpop");
    await settle();
    pool.release(first);
    expect(await patient).toBe(first);
    expect(opened).toHaveLength(1);
    expect(pool.lent).toBe(1);
    pool.release(first);
    expect(pool.lent).toBe(0);
  });

  // Only who waited for a connection was counted: before a master was there as many could wait as came.
  it("counts callers that wait for a master too, and no longer than they do", async () => {
    const { pool, control } = stage();
    const found = deferred<void>();
    control.found = found.promise;
    const waiting = Array.from({ length: 3 }, () => pool.acquire("blpop"));
    await settle();
    await expect(pool.acquire("blpop")).rejects.toMatchObject({ code: "IOREPLICA_QUEUE_FULL", bound: 3 });
    found.resolve();
    await Promise.all(waiting);
    control.found = Promise.reject(new Error("no master"));
    for (let i = 0; i < 4; i++) await expect(pool.acquire("blpop")).rejects.toThrow("no master");
    control.found = Promise.resolve();
    await pool.acquire("blpop");
    pool.close("over");
  });

  it("refuses callers beyond limits.queuedCommands", async () => {
    const { pool } = stage({ max: 1 });
    await pool.acquire("blpop");
    const waiting = Array.from({ length: 3 }, () => pool.acquire("blpop").catch(() => {}));
    await settle();
    await expect(pool.acquire("blpop")).rejects.toMatchObject({ code: "IOREPLICA_QUEUE_FULL", bound: 3 });
    pool.close("over");
    await Promise.all(waiting);
  });

  it("tries again with growing gaps while connecting fails, and never in a spin (a rejecting factory made 2,000,000 tries)", async () => {
    const { pool, clock, control } = stage({ acquireTimeoutMs: 100 });
    control.failure = new Error("ECONNREFUSED");
    const outcome = expect(pool.acquire("blpop")).rejects.toThrow(/9000 ms.*a:1: ECONNREFUSED/);
    await settle();
    expect(control.tries).toBe(1);
    for (let passed = 0; passed < 9000; passed += 10) {
      clock.advance(10);
      await settle();
    }
    await outcome;
    expect(control.tries).toBeGreaterThan(8);
    expect(control.tries).toBeLessThan(30);
  });

  it("does not wait for a connection to a former master", async () => {
    const { pool, clock, control } = stage();
    const slow: ((connection: NodeConnection) => void)[] = [];
    const host = (pool as unknown as { host: { connect: unknown } }).host;
    const { connect } = host;
    host.connect = () => new Promise((resolve) => slow.push(resolve));
    const borrowed = pool.acquire("blpop");
    await settle();
    host.connect = connect;
    control.master = "b:2";
    pool.masterChanged();
    await settle();
    clock.advance(20);
    expect((await borrowed).target.node).toBe("b:2");
    let destroyed = "";
    slow[0]?.({ destroy: (reason: string) => (destroyed = reason) } as unknown as NodeConnection);
    await settle();
    expect(destroyed).toBe("not needed any more");
  });

  it("ends everything when it closes, leaves no timer, and does not spin over those who waited", async () => {
    const { pool, clock, opened, control } = stage({ max: 1 });
    const first = await pool.acquire("blpop");
    const waiting = expect(pool.acquire("blpop")).rejects.toMatchObject({
      code: "IOREPLICA_CLIENT_CLOSED",
      message: "Connection is closed.",
    });
    await settle();
    pool.close("over");
    await waiting;
    pool.release(first);
    await settle();
    expect(opened.map(({ state }) => state)).toEqual(["closed"]);
    expect(clock.pending).toBe(0);
    expect(control.tries).toBe(1);
    await expect(pool.acquire("blpop")).rejects.toMatchObject({ code: "IOREPLICA_CLIENT_CLOSED" });
  });
});
