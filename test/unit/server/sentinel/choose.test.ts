import { describe, expect, it } from "vitest";
import { type Candidate, chooseReplica } from "../../../../src/server/sentinel/choose.js";
import { formatHello, parseHello } from "../../../../src/server/sentinel/hello.js";

const limits = { infoAgeMs: 5000, linkDownMs: 10_000 };
const replica = (port: number, over: Partial<Candidate> = {}): Candidate => ({
  host: "h",
  port,
  priority: 100,
  offset: 10,
  runId: String(port),
  isDown: false,
  infoAgeMs: 0,
  linkDownMs: 0,
  ...over,
});

describe("the replica that a Sentinel promotes", () => {
  it.each<[string, readonly Candidate[], number | null]>([
    ["the lowest priority", [replica(1, { offset: 99 }), replica(2, { priority: 10 })], 2],
    ["then the most data", [replica(1), replica(2, { offset: 11 }), replica(3)], 2],
    ["then the lowest run id", [replica(2), replica(1)], 1],
    ["never priority 0", [replica(1, { priority: 0 }), replica(2, { offset: 0 })], 2],
    ["none that is down", [replica(1, { isDown: true, offset: 99 }), replica(2)], 2],
    ["none without news", [replica(1, { infoAgeMs: 5001, offset: 99 }), replica(2)], 2],
    ["none that lost its master long ago", [replica(1, { linkDownMs: 10_001, offset: 99 }), replica(2)], 2],
    ["nobody", [replica(1, { isDown: true })], null],
  ])("is %s", (_what, candidates, port) => expect(chooseReplica(candidates, limits)?.port ?? null).toBe(port));
});

describe("the word of a Sentinel", () => {
  const hello = {
    host: "::1",
    port: 26379,
    runId: "a".repeat(40),
    epoch: 3,
    masterName: "mymaster",
    masterHost: "10.0.0.1",
    masterPort: 6379,
    configEpoch: 2,
  };

  it("comes back as it was said", () => expect(parseHello(formatHello(hello))).toEqual(hello));

  it.each(["", "a,b", `127.0.0.1,x,${"a".repeat(40)},0,m,h,1,0`, "127.0.0.1,1,short,0,m,h,1,0"])("%j is none", (text) =>
    expect(parseHello(text)).toBeNull(),
  );
});
