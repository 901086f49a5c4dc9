import { describe, expect, it, vi } from "vitest";
import { Aof } from "../../../../src/server/aof/aof.js";
import { MemoryLogDirectory } from "../../../../src/server/aof/directory.js";
import { Saver } from "../../../../src/server/rdb/saver.js";
import { MemoryStore } from "../../../../src/server/rdb/store.js";
import { startCore } from "./harness.js";

/** A core whose clock moves on by 200 ms in the methods that are named `slow`, and the names of the events that it has noted. */
function start(settings: Record<string, string | number> = {}) {
  const harness = startCore({ "latency-monitor-threshold": 100, ...settings });
  const { core, clock } = harness;
  const slow = <T extends object>(target: T, method: keyof T & string): void => {
    const run = target[method] as unknown as (...args: unknown[]) => unknown;
    vi.spyOn(target, method as never).mockImplementation(((...args: unknown[]) => {
      clock.advance(200);
      return run.apply(target, args);
    }) as never);
  };
  return { ...harness, slow, events: () => [...core.latency.events.keys()].sort() };
}

function startLog(settings: Record<string, string | number>) {
  const harness = start({ appendonly: "yes", ...settings });
  const directory = new MemoryLogDirectory();
  const aof = new Aof(harness.core, directory);
  harness.core.aof = aof;
  aof.open();
  return { ...harness, directory, aof, file: directory.open("appendonly.aof.1.incr.aof") };
}

describe("what the latency monitor notes of the server's own work", () => {
  it("is nothing while it is off", async () => {
    const { connect, slow, events, file, aof } = startLog({ "latency-monitor-threshold": 0 });
    slow(file, "append");
    await connect().send("set k v");
    aof.feed(0, ["set", "k", "v"]);
    aof.flush();
    expect(events()).toEqual([]);
  });

  it("writing to the log: whether alone, beside a snapshot, or beside an fsync that isn't done", () => {
    const { core, clock, slow, events, file, aof } = startLog({});
    const write = (): string[] => {
      core.latency.reset();
      aof.feed(0, ["set", "k", "v"]);
      aof.flush();
      return events();
    };
    slow(file, "append");
    expect(write()).toEqual(["aof-write", "aof-write-alone"]);
    const snapshot = vi.spyOn(core.snapshots, "active", "get").mockReturnValue({} as never);
    expect(write()).toEqual(["aof-write", "aof-write-active-child"]);
    snapshot.mockRestore();
    let done: (error: null) => void = () => {};
    vi.spyOn(file, "syncLater").mockImplementation((told) => void (done = told));
    clock.advance(2000);
    expect(write()).toEqual(["aof-write", "aof-write-pending-fsync"]);
    vi.spyOn(file, "syncLater").mockImplementation((told) => told(null));
    done(null);
    expect(write()).toEqual(["aof-write", "aof-write-alone"]);
    aof.close(false);
  });

  it("the fsync of each write, apart from the write", () => {
    const { slow, events, file, aof } = startLog({ appendfsync: "always" });
    slow(file, "sync");
    aof.feed(0, ["set", "k", "v"]);
    aof.flush();
    expect(events()).toEqual(["aof-fsync-always"]);
    aof.close(false);
  });

  it("the renaming of a new base", async () => {
    const { slow, events, directory, aof } = startLog({});
    slow(directory, "rename");
    aof.rewrite.begin();
    await vi.waitFor(() => expect(aof.rewrite.inProgress).toBe(false));
    expect(events()).toEqual(["aof-rename"]);
    aof.close(false);
  });

  it("the removal of what a cancelled save has written", async () => {
    const { core, slow, events, connect } = start({ "rdb-key-save-delay": 1_000_000 });
    const store = new MemoryStore();
    const file = store.create();
    vi.spyOn(store, "create").mockReturnValue(file);
    slow(file, "discard");
    const saver = new Saver(core, store, () => ({ replid: "", offset: 0, streamDb: 0 }));
    await connect().send("set k v", "set l v");
    saver.saveInBackground();
    saver.cancel();
    expect(events()).toEqual(["rdb-unlink-temp-file"]);
    saver.stop();
  });

  it("eviction: one key, and all that had to go", async () => {
    const { core, slow, events, connect } = start({ "maxmemory-policy": "allkeys-random" });
    const peer = connect();
    await peer.send("set a 1", "set b 2");
    slow(core.databases[0] as NonNullable<(typeof core.databases)[0]>, "evict");
    await peer.send(`config set maxmemory ${core.memory.used().total - 1}`, "ping");
    expect(events()).toEqual(["eviction-cycle", "eviction-del"]);
    expect(await peer.send("latency doctor")).toMatch(/2\. eviction-cycle[^]*Advice:[^]*Keys are evicted in masses/);
  });

  it("serving a client that was blocked, without the time that it was blocked", async () => {
    const { clock, slow, events, connect, core } = start();
    await connect().send("blpop k 0");
    clock.advance(5000);
    await connect().send("rpush k v");
    expect(events()).toEqual([]);
    await connect().send("blpop k 0");
    slow(core, "runForWaiter");
    await connect().send("rpush k v");
    expect(events()).toEqual(["command-unblocking"]);
  });
});
