import { describe, expect, it } from "vitest";
import { startCore } from "./harness.js";

const field = (info: string, name: string): number => Number(new RegExp(`\\|${name}:([0-9.]+)`).exec(info)?.[1]);

describe("INFO stats", () => {
  it("tells the rate of commands over the last moments, and nothing once they are over", async () => {
    const { clock, connect } = startCore();
    const busy = connect();
    for (let i = 0; i < 40; i++) {
      await busy.send(...Array.from({ length: 10 }, () => "PING"));
      clock.advance(100);
    }
    const peer = connect();
    const info = await peer.send("INFO stats");
    expect(field(info, "total_commands_processed")).toBe(400);
    // Ten commands of six bytes every tenth of a second.
    expect(field(info, "instantaneous_ops_per_sec")).toBeGreaterThanOrEqual(95);
    expect(field(info, "instantaneous_ops_per_sec")).toBeLessThanOrEqual(105);
    expect(field(info, "instantaneous_input_kbps")).toBeCloseTo((100 * 6) / 1024, 1);
    clock.advance(60_000);
    expect(field(await peer.send("INFO stats"), "instantaneous_ops_per_sec")).toBe(0);
  });

  it("counts the bytes of connections that are gone, and begins anew with CONFIG RESETSTAT", async () => {
    const { core, connect } = startCore();
    await connect().send("PING", "QUIT");
    expect(core.traffic.total()).toMatchObject({ commands: 2, input: 12, output: 12 });
    const peer = connect();
    await peer.send("CONFIG RESETSTAT");
    await peer.send("PING");
    expect(core.traffic.total()).toMatchObject({ input: 6 });
  });
});
