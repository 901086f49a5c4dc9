import { describe, expect, it } from "vitest";
import { startCore } from "./harness.js";

const slow = { "latency-monitor-threshold": 100, "slowlog-log-slower-than": 100_000 };

describe("the latency monitor", () => {
  it("is off by default, and doesn't keep what is below its threshold", async () => {
    const { core, clock, connect } = startCore();
    const peer = connect();
    await peer.send("debug sleep 0.2");
    clock.advance(200);
    await peer.send("config set latency-monitor-threshold 100", "debug sleep 0.099");
    clock.advance(99);
    expect(core.latency.events.size).toBe(0);
    expect(await peer.send("latency latest")).toContain("*0|");
  });

  it("keeps the longest delay of each second, 160 of them, and the longest of all", async () => {
    const { core, clock } = startCore(slow);
    clock.advance(1000 - (clock.epoch() % 1000));
    const beganS = clock.epoch() / 1000;
    core.latency.note("command", 300_000);
    core.latency.note("command", 200_999);
    for (let i = 1; i <= 160; i++) {
      clock.advance(1000);
      core.latency.note("command", 100_000 + i * 1000);
    }
    const { samples, maxMs } = core.latency.events.get("command") ?? { samples: [], maxMs: 0 };
    expect(samples).toHaveLength(160);
    expect(samples[0]).toEqual({ atS: beganS + 1, ms: 101 });
    expect(samples.at(-1)).toEqual({ atS: beganS + 160, ms: 260 });
    expect(maxMs).toBe(300);
  });

  it("answers LATEST, HISTORY, GRAPH, DOCTOR and RESET", async () => {
    const { core, clock, connect } = startCore(slow);
    const peer = connect();
    expect(await peer.send("latency doctor")).toContain("Nothing took as long");
    core.latency.note("command", 250_000);
    clock.advance(61_000);
    core.latency.note("command", 150_000);
    const nowS = Math.floor(clock.epoch() / 1000);
    expect(await peer.send("latency latest")).toBe(`*1|*4|$7|command|:${nowS}|:150|:250|`);
    expect(await peer.send("latency history command")).toBe(`*2|*2|:${nowS - 61}|:250|*2|:${nowS}|:150|`);
    expect(await peer.send("latency history nosuch")).toBe("*0|");
    expect(await peer.send("latency graph nosuch")).toBe("-ERR No samples available for event 'nosuch'|");
    const graph = (await peer.send("latency graph command")).split("\n");
    expect(graph[0]).toContain("command - high 250 ms, low 150 ms (all time high 250 ms)");
    expect(graph.slice(2)).toEqual(["#", "|", "|", "|_", "", "10", "ms", "|"]);
    expect(await peer.send("latency doctor")).toContain(
      "1. command: 2 latency spikes (average 200ms, mean deviation 50ms, period 30.50 sec). Worst all time event 250ms.",
    );
    expect(await peer.send("latency reset nosuch", "latency reset COMMAND", "latency reset")).toBe(":0|:1|:0|");
  });
});

describe("a command that takes long", () => {
  it("counts the time that DEBUG SLEEP makes the server stand still, once", async () => {
    const { core, clock, connect } = startCore(slow);
    const peer = connect();
    await peer.send("debug sleep 0.2");
    clock.advance(200);
    await peer.send("ping");
    const [entry, ...others] = core.slowLog.newest(9);
    expect([entry?.args, entry?.micros, others]).toEqual([["debug", "sleep", "0.2"], 200_000, []]);
    expect(core.commands.byFullName("debug")?.usec).toBe(200_000);
    expect(core.latency.events.get("command")?.maxMs).toBe(200);
  });

  it("is noted inside MULTI, and EXEC is not", async () => {
    const { core, clock, connect } = startCore({ ...slow, "slowlog-log-slower-than": 0 });
    await connect().send("multi", "debug sleep 0.2", "exec");
    clock.advance(200);
    expect(core.slowLog.newest(9).map(({ args }) => args)).toEqual([["debug", "sleep", "0.2"], ["multi"]]);
  });

  it("is noted with the time that it was blocked, when it is unblocked and not when its client is gone", async () => {
    const { core, clock, connect } = startCore({ "slowlog-log-slower-than": 0 });
    const peer = connect();
    await peer.send("blpop k 0");
    clock.advance(1500);
    expect(core.slowLog.length).toBe(0);
    await connect().send("rpush k v");
    const [blocked, push] = core.slowLog.newest(9);
    expect([blocked?.args, blocked?.micros, push?.args]).toEqual([["blpop", "k", "0"], 1_500_000, ["rpush", "k", "v"]]);
    await peer.send("blpop k 0");
    await connect().send(`client kill id ${core.clients.keys().next().value}`);
    expect(core.slowLog.newest(9).filter(({ args }) => args[0] === "blpop")).toHaveLength(1);
  });
});
