import { describe, expect, it } from "vitest";
import { ErrorReply } from "../../../../src/protocol/resp/reply.js";
import { Saver } from "../../../../src/server/rdb/saver.js";
import { MemoryStore, type RdbFile } from "../../../../src/server/rdb/store.js";
import { Replication } from "../../../../src/server/replication/replication.js";
import { startCore } from "../dispatch/harness.js";

const HISTORY = { replid: "", offset: 0, streamDb: 0 };

/** A store that is full, as long as `full` says so. */
class FullStore extends MemoryStore {
  full = false;
  begun = 0;

  override create(): RdbFile {
    this.begun++;
    if (this.full) throw new Error("no space left");
    return super.create();
  }
}

function start(settings: Record<string, string | number> = {}) {
  const store = new FullStore();
  const harness = startCore(settings);
  const saver = new Saver(harness.core, store, () => HISTORY);
  harness.core.saver = saver;
  /** Moves time, and lets what it brought about come to its end. */
  const advance = async (ms: number): Promise<void> => {
    harness.clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { ...harness, store, saver, advance };
}

describe("Save points", () => {
  it("save when so many changes and so many seconds have come together, and not before", async () => {
    const { connect, saver, store, core, advance } = start({ save: "10 2" });
    const client = connect();
    await client.send("SET a 1");
    await advance(60_000);
    expect(store.begun).toBe(0);
    await client.send("SET b 1");
    await advance(200);
    expect(store.begun).toBe(1);
    expect(store.read()).not.toBeNull();
    expect(core.effects.totalDirty).toBe(0);
    expect(saver.lastOk).toBe(true);
    await client.send("SET a 2", "SET b 2");
    await advance(9000);
    expect(store.begun).toBe(1);
    await advance(2200);
    expect(store.begun).toBe(2);
  });

  it("set no timer where there are none", () => {
    const { clock, core } = start();
    core.expiry.stop();
    expect(clock.pending).toBe(0);
  });

  it("try again five seconds after a failure, which refuses writes until then", async () => {
    const { connect, saver, store, core, advance } = start({ save: "1 1" });
    store.full = true;
    await connect().send("SET a 1");
    await advance(2500);
    expect([store.begun, saver.lastOk, saver.refusesWrites]).toEqual([1, false, true]);
    core.config.set("stop-writes-on-bgsave-error", "no");
    expect(saver.refusesWrites).toBe(false);
    core.config.set("stop-writes-on-bgsave-error", "yes");
    await advance(3000);
    expect(store.begun).toBe(1);
    store.full = false;
    await advance(3000);
    expect([store.begun, saver.lastOk, saver.refusesWrites]).toEqual([2, true, false]);
  });
});

describe("A server that can't save", () => {
  it("tells who pings it too, but not who reads, and no master's link", async () => {
    const store = new FullStore();
    const { core, clock, connect } = startCore({ save: "1 1" });
    const replication = new Replication(core, store);
    core.replication = replication;
    const client = connect();
    expect(await client.send("PING", "SET a 1")).toBe("+PONG|+OK|");
    store.full = true;
    clock.advance(2500);
    await new Promise((resolve) => setImmediate(resolve));
    expect(replication.saver.lastOk).toBe(false);
    expect(await client.send("PING")).toMatch(/^-MISCONF /);
    expect(await client.send("GET a")).toBe("$1|1|");
    expect(core.executeFromMaster(["PING"])).not.toBeInstanceOf(ErrorReply);
    core.config.set("stop-writes-on-bgsave-error", "no");
    expect(await client.send("PING")).toBe("+PONG|");
    replication.shutdown(false);
  });
});

describe("A background save", () => {
  it("goes on in slices, counts what was changed before it, and is given up by FLUSHALL", async () => {
    const { connect, saver, store, core, advance } = start({ "rdb-key-save-delay": 1_000_000 });
    const client = connect();
    await client.send("SET a 1", "SET b 1", "SET c 1");
    expect(saver.saveInBackground()).toBe(true);
    expect([saver.inProgress, core.snapshots.active?.total]).toEqual([true, 3]);
    await client.send("SET a 2");
    await advance(10_000);
    expect([saver.inProgress, core.effects.totalDirty]).toEqual([false, 1]);
    const saved = store.read();
    saver.saveInBackground();
    await client.send("FLUSHALL");
    await advance(10_000);
    expect([saver.inProgress, saver.lastOk, core.snapshots.active]).toEqual([false, true, null]);
    expect(store.read()).toBe(saved);
  });

  it("that is scheduled begins when nothing else is written", async () => {
    const { connect, saver, store, core, advance } = start({ "rdb-key-save-delay": 1_000_000 });
    await connect().send("SET a 1", "SET b 1", "SET c 1");
    core.snapshots.start(
      "aof",
      { history: HISTORY },
      { chunk: () => undefined, complete: () => undefined, failed: () => undefined },
    );
    saver.schedule();
    await advance(1000);
    expect(store.begun).toBe(0);
    await advance(20_000);
    expect(store.begun).toBe(1);
  });
});
