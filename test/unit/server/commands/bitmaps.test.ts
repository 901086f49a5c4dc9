import { expect, test } from "vitest";
import { startCore } from "../dispatch/harness.js";

test("a bit beyond the longest string that can be held is not written, and reads as 0, whatever proto-max-bulk-len says", async () => {
  // With the limit raised, as Redis's own suite leaves it, SETBIT failed with an internal error.
  const { connect } = startCore({ "proto-max-bulk-len": 10_000_000_000 });
  expect(await connect().send("setbit k 4294967296 1", "bitfield k get u1 4294967296", "strlen k")).toBe(
    "-ERR bit offset is not an integer or out of range|*1|:0|:0|",
  );
});
