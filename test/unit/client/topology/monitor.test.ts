import { describe, expect, it } from "vitest";
import type { TopologyInput } from "../../../../src/client/topology/input.js";
import { MIN_GAP_MS, Monitor, type ProbeResult } from "../../../../src/client/topology/monitor.js";
import { deferred } from "../../../../src/core/deferred.js";
import { ManualClock } from "../../../../src/core/manual-clock.js";
import { seededRandom } from "../../../../src/core/random.js";
import type { ReplicationInfo } from "../../../../src/protocol/replication-info.js";

const info = { role: "master", replid: "h1", offset: 1 } as ReplicationInfo;
const good: ProbeResult = { ok: true, generation: 3, info, runId: "r", loading: false };

/** Lets promises that are settled run on; a probe's result passes a few of them. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

function setUp(
  answer: (node: string, signal: AbortSignal) => Promise<ProbeResult> = async () => good,
  heard: (monitor: Monitor) => void = () => {},
) {
  const clock = new ManualClock();
  const inputs: TopologyInput[] = [];
  const probes: { node: string; at: number }[] = [];
  const monitor: Monitor = new Monitor({
    clock,
    random: seededRandom(1),
    config: { pollIntervalMs: 1000, heartbeatTimeoutMs: 400, failoverTimeoutMs: 3000 },
    probe(node, signal) {
      probes.push({ node, at: clock.now() });
      return answer(node, signal);
    },
    onInput: (input) => {
      inputs.push(input);
      heard(monitor);
    },
  });
  /** Moves time in small steps, so that promises run between timers as they would. */
  const pass = async (ms: number, stepMs = 1) => {
    for (let gone = 0; gone < ms; gone += stepMs) {
      clock.advance(stepMs);
      await settle();
    }
  };
  return { clock, inputs, probes, monitor, pass };
}

describe("Monitor", () => {
  it("asks a new node at once and then at the interval", async () => {
    const { monitor, probes, pass } = setUp();
    monitor.addNode("A");
    await pass(2500);
    expect(probes.map((each) => each.at)).toEqual([0, 1001, 2001]);
  });

  it("hands in the answer with the time and order of sending", async () => {
    const { monitor, inputs, pass } = setUp();
    monitor.addNode("A");
    await pass(1500);
    expect(inputs).toEqual([
      {
        type: "poll",
        node: "A",
        at: 1,
        sentAt: 0,
        seq: 1,
        generation: 3,
        info,
        runId: "r",
        loading: false,
        latencyMs: 1,
      },
      {
        type: "poll",
        node: "A",
        at: 1001,
        sentAt: 1001,
        seq: 2,
        generation: 3,
        info,
        runId: "r",
        loading: false,
        latencyMs: 0,
      },
    ]);
  });

  it("hands in a failure with its kind", async () => {
    const { monitor, inputs, pass } = setUp(async () => ({ ok: false, generation: 7, kind: "auth", reason: "NOPERM" }));
    monitor.addNode("A");
    await pass(10);
    expect(inputs).toEqual([
      { type: "pollFailed", node: "A", at: 1, sentAt: 0, seq: 1, generation: 7, kind: "auth", reason: "NOPERM" },
    ]);
  });

  it("asks in the turn of the request, once for many requests", async () => {
    const { clock, monitor, probes, pass } = setUp();
    monitor.addNode("A");
    await pass(100);
    for (let i = 0; i < 5; i++) monitor.requestCheck();
    expect(monitor.isRequested("A")).toBe(true);
    clock.advance(0);
    expect(monitor.isRequested("A")).toBe(false);
    await pass(200);
    expect(probes.map((each) => each.at)).toEqual([0, 100]);
  });

  // A refusal that came just behind a regular look waited for the rest of the gap, and with it all the writes.
  it("asks a second time at once, and from then on no more often than the gap allows", async () => {
    const { clock, monitor, probes, pass } = setUp();
    monitor.addNode("A");
    await pass(1001);
    for (let i = 0; i < 5 * MIN_GAP_MS; i++) {
      monitor.requestCheck();
      clock.advance(0);
      await pass(1);
    }
    const at = probes.slice(1).map((each) => each.at - 1001);
    expect(at).toEqual([0, 0, 20, 20, 40, 40]);
  });

  it("asks once more, not twice, when an answer is news itself", async () => {
    const news = [true];
    const answers: ((result: ProbeResult) => void)[] = [];
    const { clock, monitor, probes } = setUp(
      () => new Promise((resolve) => answers.push(resolve)),
      (asked) => {
        if (news.pop()) asked.requestCheck();
      },
    );
    monitor.addNode("A");
    clock.advance(0);
    answers[0]?.(good);
    await settle();
    clock.advance(0);
    clock.advance(5);
    expect(probes.map((each) => each.at)).toEqual([0, 0]);
  });

  it("asks those that are named, not the others", async () => {
    const { monitor, probes, pass } = setUp();
    monitor.addNode("A");
    monitor.addNode("B");
    await pass(100);
    monitor.requestCheck(["B", "unknown"]);
    await pass(100);
    expect(probes.map((each) => each.node)).toEqual(["A", "B", "B"]);
  });

  it("asks once more when the request came while a question was on its way: only a later one can confirm news", async () => {
    const answers = [deferred<ProbeResult>(), deferred<ProbeResult>()];
    let asked = 0;
    const { monitor, probes, pass } = setUp(() => answers[asked++]?.promise ?? Promise.resolve(good));
    monitor.addNode("A");
    await pass(100);
    monitor.requestCheck();
    await pass(100);
    expect(probes).toHaveLength(1);
    answers[0]?.resolve(good);
    await pass(2);
    expect(probes).toHaveLength(2);
  });

  it("gives up after the heartbeat timeout, tells the probe, and goes on", async () => {
    const signals: AbortSignal[] = [];
    const { monitor, inputs, probes, pass } = setUp((_node, signal) => {
      signals.push(signal);
      return new Promise(() => {});
    });
    monitor.addNode("A");
    await pass(450);
    expect(signals[0]?.aborted).toBe(true);
    expect(inputs).toMatchObject([{ type: "pollFailed", node: "A", kind: "timeout", sentAt: 0, seq: 1 }]);
    await pass(1000);
    expect(probes).toHaveLength(2);
  });

  it("lets the probe say at the timeout that it was a new connection", async () => {
    const { monitor, inputs, pass } = setUp(
      (_node, signal) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () =>
            resolve({ ok: false, generation: 2, kind: "connect", reason: "no answer" }),
          );
        }),
    );
    monitor.addNode("A");
    await pass(450);
    expect(inputs).toMatchObject([{ type: "pollFailed", kind: "connect", generation: 2 }]);
  });

  it("a hung node does not delay the others", async () => {
    const { monitor, probes, pass } = setUp((node) => (node === "A" ? new Promise(() => {}) : Promise.resolve(good)));
    monitor.addNode("A");
    monitor.addNode("B");
    await pass(2500);
    expect(probes.filter((each) => each.node === "B")).toHaveLength(3);
  });

  it("fault 26: when the client itself stood still it declares nobody dead and asks again", async () => {
    let hang = true;
    const { monitor, inputs, probes, clock, pass } = setUp(() =>
      hang ? new Promise(() => {}) : Promise.resolve(good),
    );
    monitor.addNode("A");
    await pass(10);
    hang = false;
    // The process was suspended: the timer that was due after 400 ms fires after 5 s.
    const now = clock.now.bind(clock);
    Object.assign(clock, { now: () => now() + 5000 });
    await pass(495);
    expect(probes).toHaveLength(2);
    expect(inputs.map((each) => each.type)).toEqual(["poll"]);
  });

  it("polls all nodes fast while there is no master, with gaps that grow to the interval", async () => {
    const { monitor, probes, pass } = setUp();
    monitor.addNode("A");
    await pass(200);
    probes.length = 0;
    monitor.setUrgent(true);
    await pass(7000);
    const gaps = probes.slice(1).map((each, i) => ({ at: each.at, ms: each.at - (probes[i]?.at ?? 0) }));
    expect(gaps[0]?.ms).toBeLessThanOrEqual(20);
    // As long as calls wait (failoverTimeoutMs) a promotion is seen within a tenth of a second.
    const waitedFor = gaps.filter(({ at }) => at < 3000);
    expect(Math.max(...waitedFor.map(({ ms }) => ms))).toBeLessThanOrEqual(101);
    expect(waitedFor.length).toBeLessThan(60);
    expect(Math.max(...gaps.map(({ ms }) => ms))).toBeLessThanOrEqual(1001);
    expect(gaps.at(-1)?.ms).toBeGreaterThan(500);
    monitor.setUrgent(false);
    await pass(1100);
    probes.length = 0;
    await pass(3000);
    expect(probes).toHaveLength(3);
  });

  it("leaves out of a fast round who was asked a moment before", async () => {
    const { clock, monitor, probes, pass } = setUp();
    monitor.addNode("A");
    monitor.addNode("B");
    await pass(200);
    monitor.requestCheck(["A"]);
    clock.advance(0);
    await settle();
    await pass(4);
    probes.length = 0;
    monitor.setUrgent(true);
    await pass(6);
    expect(probes.map((each) => each.node)).toEqual(["B"]);
  });

  it("ticks at the time it was asked to, and only at the newest", async () => {
    const { monitor, inputs, pass } = setUp();
    monitor.wakeAt(500);
    monitor.wakeAt(300);
    await pass(1000);
    expect(inputs).toEqual([{ type: "tick", at: 300 }]);
  });

  it("a rejecting probe is a failure, not an unhandled rejection", async () => {
    const { monitor, inputs, pass } = setUp(() => Promise.reject(new Error("boom")));
    monitor.addNode("A");
    await pass(5);
    expect(inputs).toMatchObject([{ type: "pollFailed", kind: "protocol", reason: "boom" }]);
  });

  it("a node that was removed is asked no more, and its late answer is dropped", async () => {
    const answer = deferred<ProbeResult>();
    const { monitor, inputs, probes, clock, pass } = setUp(() => answer.promise);
    monitor.addNode("A");
    await pass(5);
    monitor.removeNode("A");
    answer.resolve(good);
    await pass(3000, 10);
    expect({ inputs, asked: probes.length, timers: clock.pending }).toEqual({ inputs: [], asked: 1, timers: 0 });
  });

  it("stop leaves no timer and drops what comes later", async () => {
    const answer = deferred<ProbeResult>();
    const { monitor, inputs, clock, pass } = setUp((node) => (node === "A" ? answer.promise : Promise.resolve(good)));
    monitor.addNode("A");
    monitor.addNode("B");
    monitor.setUrgent(true);
    monitor.wakeAt(900);
    await pass(20);
    const before = inputs.length;
    monitor.stop();
    monitor.addNode("C");
    monitor.setUrgent(false);
    monitor.setUrgent(true);
    monitor.wakeAt(2000);
    answer.resolve(good);
    await pass(3000, 10);
    expect(clock.pending).toBe(0);
    expect(inputs).toHaveLength(before);
  });
});
