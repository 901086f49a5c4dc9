import { describe, expect, it } from "vitest";
import { Circuit } from "../../../../src/client/routing/circuit.js";

const LIMITS = { failures: 3, windowMs: 1000, openMs: 100, maxOpenMs: 350 };

/** A circuit that has just opened at time 0. */
function opened(): Circuit {
  const circuit = new Circuit(LIMITS);
  for (let i = 0; i < 3; i++) circuit.failed(0, "BUSY");
  return circuit;
}

describe("a circuit opens", () => {
  it("with the last of so many failed reads, and says why", () => {
    const circuit = new Circuit(LIMITS);
    expect([circuit.failed(0, "BUSY"), circuit.failed(10, "BUSY")]).toEqual([false, false]);
    expect(circuit.state).toBe("closed");
    expect(circuit.failed(20, "a deadline")).toBe(true);
    expect(circuit).toMatchObject({
      state: "open",
      restMs: 100,
      reason: "3 of 3 reads failed there, the last one with a deadline",
    });
  });

  it("not while most reads are answered", () => {
    const circuit = new Circuit(LIMITS);
    for (let i = 0; i < 50; i++) {
      expect(circuit.failed(i, "a deadline")).toBe(false);
      for (let j = 0; j < 2; j++) circuit.answered();
    }
  });

  it("not by failures that lie further apart than the window", () => {
    const circuit = new Circuit(LIMITS);
    for (let i = 0; i < 10; i++) expect(circuit.failed(i * 600, "BUSY")).toBe(false);
  });

  it("when its connection breaks too often, however many reads are answered in between", () => {
    const circuit = new Circuit(LIMITS);
    const breaks = [0, 100, 200].map((now) => {
      for (let i = 0; i < 100; i++) circuit.answered();
      return circuit.lost(now);
    });
    expect(breaks).toEqual([false, false, true]);
    expect(circuit.reason).toBe("its connection broke 3 times");
  });

  it("never with failures: 0", () => {
    const circuit = new Circuit({ ...LIMITS, failures: 0 });
    for (let i = 0; i < 50; i++) expect(circuit.failed(0, "BUSY") || circuit.lost(0)).toBe(false);
    expect(circuit.troubled).toBe(false);
  });

  it("and asks to be told of answers only once something has failed", () => {
    const circuit = new Circuit(LIMITS);
    expect(circuit.troubled).toBe(false);
    circuit.failed(0, "BUSY");
    expect(circuit.troubled).toBe(true);
  });
});

describe("an open circuit", () => {
  it("opens no second time by what still fails", () => {
    const circuit = opened();
    expect(circuit.failed(1, "BUSY") || circuit.lost(1)).toBe(false);
  });

  it("stays open when late answers come", () => {
    const circuit = opened();
    expect(circuit.answered()).toBe(false);
    expect(circuit.state).toBe("open");
  });

  it("closes with the first answer after its rest, and forgets", () => {
    const circuit = opened();
    circuit.tryOut();
    expect(circuit.state).toBe("halfOpen");
    expect(circuit.answered()).toBe(true);
    expect(circuit).toMatchObject({ state: "closed", reason: "", troubled: false, restMs: 100 });
    expect(circuit.failed(200, "BUSY")).toBe(false);
  });

  it("rests twice as long after each trial in vain, up to the limit", () => {
    const circuit = opened();
    const rests = [circuit.restMs];
    for (let i = 1; i <= 4; i++) {
      circuit.tryOut();
      expect(i % 2 ? circuit.failed(i * 400, "BUSY") : circuit.lost(i * 400)).toBe(true);
      rests.push(circuit.restMs);
    }
    expect(rests).toEqual([100, 200, 350, 350, 350]);
  });
});
