import { describe, expect, it } from "vitest";
import { fuzzRequests } from "../../../fuzz/requests.js";

describe("Any command with any arguments, broken at any place and cut into pieces anywhere", () => {
  it.each([1, 2])("is answered or refused, and the server goes on (seed %i)", async (seed) => {
    const { commands, connections } = await fuzzRequests(seed, 3000, () => 0);
    expect(commands).toBeGreaterThan(1000);
    expect(connections).toBeGreaterThan(200);
  });
});
