import { describe, expect, it } from "vitest";
import type { Connections } from "../../../../src/client/engine/connections.js";
import { Surveyor } from "../../../../src/client/engine/surveyor.js";
import { resolveOptions } from "../../../../src/client/options.js";
import { ManualClock } from "../../../../src/core/manual-clock.js";
import { seededRandom } from "../../../../src/core/random.js";

const NODE = "127.0.0.1:1";

/** One that looks at a node whose probe is never answered. */
function surveying() {
  const clock = new ManualClock();
  const counts = { settled: 0, sent: 0 };
  const surveyor = new Surveyor({
    options: resolveOptions({ nodes: [`redis://${NODE}`] }),
    clock,
    random: seededRandom(1),
    connections: {
      create: () => {
        counts.sent++;
        return new Promise(() => {});
      },
    } as unknown as Connections,
    known: () => null,
    dataConnection: () => null,
    added() {},
    removed() {},
    adopted() {},
    changed() {},
    polled() {},
    settled: () => void counts.settled++,
    trouble() {},
  });
  surveyor.start([{ id: NODE, address: { host: "127.0.0.1", port: 1 } } as never]);
  clock.advance(50);
  return { clock, surveyor, counts };
}

describe("Surveyor", () => {
  // Hundreds of writes that a planned failover had frozen are refused in one chunk, and each refusal went through the
  // whole topology: the process stood still for tens of milliseconds just when the new master was to be found.
  it("takes a wave of refusals for one piece of news, until a probe has been sent since", () => {
    const { surveyor, counts } = surveying();
    expect(counts.sent).toBe(1);
    for (const kind of ["readonly", "readonly", "loading", "busy", "readonly"] as const) {
      surveyor.refused(NODE, kind);
    }
    expect(counts.settled).toBe(1);
    const { doubtedAt } = surveyor.state.nodes.get(NODE) ?? {};
    expect(doubtedAt).toBe(50);
    // Of other nodes, nothing is known yet.
    surveyor.refused("127.0.0.1:2", "readonly");
    surveyor.stop();
  });

  it("hears of each NOREPLICAS that comes after a while, since its age decides", () => {
    const { clock, surveyor } = surveying();
    const refusedAt = () => surveyor.state.nodes.get(NODE)?.refusedAt;
    surveyor.refused(NODE, "noreplicas");
    expect(refusedAt()).toBe(50);
    clock.advance(5);
    surveyor.refused(NODE, "noreplicas");
    expect(refusedAt()).toBe(50);
    clock.advance(20);
    surveyor.refused(NODE, "noreplicas");
    expect(refusedAt()).toBe(75);
    surveyor.stop();
  });
});
