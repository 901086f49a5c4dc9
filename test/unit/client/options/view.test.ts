import { describe, expect, it } from "vitest";
import { DEFAULT_VIEW, type ResolvedView, resolveView } from "../../../../src/client/options.js";
import type { ViewOptions } from "../../../../src/client/types.js";

const messageOf = (options: unknown, parent: ResolvedView = DEFAULT_VIEW): string => {
  try {
    resolveView(options as ViewOptions, parent);
  } catch (error) {
    expect(error).toMatchObject({ code: "IOREPLICA_INVALID_OPTION" });
    return (error as Error).message;
  }
  throw new Error("it was accepted");
};

describe("a view", () => {
  it("inherits what it does not name", () => {
    const parent = resolveView(
      { maxStalenessMs: 5, verifyReads: false, ack: { replicas: 1, timeoutMs: 9 } },
      DEFAULT_VIEW,
    );
    expect(resolveView({}, parent)).toEqual(parent);
    expect(resolveView({ maxStalenessMs: undefined } as unknown as ViewOptions, parent)).toEqual(parent);
    expect(resolveView({ maxStalenessMs: 6 }, parent)).toEqual({ ...parent, maxStalenessMs: 6 });
  });

  it("keeps of a preference what it does not name anew", () => {
    const parent = resolveView({ preferZone: "east", latencyWindowMs: 15 }, DEFAULT_VIEW);
    expect(parent.preference).toEqual({ zone: "east", tags: null, latencyWindowMs: 15 });
    expect(resolveView({ readTags: [{ disk: "ssd" }, {}] }, parent).preference).toEqual({
      zone: "east",
      tags: [{ disk: "ssd" }, {}],
      latencyWindowMs: 15,
    });
    expect(resolveView({ preferZone: "west" }, parent).preference).toMatchObject({ zone: "west" });
  });

  it("takes every option of its own", () => {
    const signal = new AbortController().signal;
    const readFrom = (): [] => [];
    const view = resolveView(
      {
        consistency: "eventual",
        maxLagBytes: 0,
        readFrom,
        ack: { replicas: "majority", timeoutMs: 1 },
        timeoutMs: 3,
        signal,
        retryUnknown: true,
      },
      DEFAULT_VIEW,
    );
    expect(view).toEqual({
      ...DEFAULT_VIEW,
      consistency: "eventual",
      maxLagBytes: 0,
      readFrom,
      askedReadFrom: readFrom,
      ack: { replicas: "majority", timeoutMs: 1 },
      timeoutMs: 3,
      signal,
      retryUnknown: true,
    });
    expect(Object.isFrozen(view) && Object.isFrozen(view.ack)).toBe(true);
  });

  it.each([
    ["an unknown key", { consistancy: "strong" }, /"consistancy" is unknown; did you mean "consistency"\?/],
    ["an option of the client", { pollIntervalMs: 5 }, /"pollIntervalMs" is unknown/],
    ["nothing", undefined, /must be an object; got undefined/],
    ["an empty zone", { preferZone: "" }, /"preferZone" must be a text of 1 to 256 characters; got ""/],
    ["a zone that is no text", { preferZone: 3 }, /"preferZone" must be a text of 1 to 256 characters; got a number/],
    ["no tag sets", { readTags: [] }, /"readTags" must be an array of tag sets .*; got an empty one/],
    ["one tag set", { readTags: { disk: "ssd" } }, /"readTags" must be an array of tag sets .*; got an object/],
    ["a tag that is no text", { readTags: [{ disk: 1 }] }, /"readTags\[0\].disk" must be a text .*; got a number/],
    ["a tag set that is none", { readTags: ["ssd"] }, /"readTags\[0\]" must be an object; got a string/],
    ["a window into the past", { latencyWindowMs: -1 }, /"latencyWindowMs" must be an integer from 0 to/],
    ["ack without a time", { ack: { replicas: 1 } }, /"ack.timeoutMs" must be given/],
    ["ack for ever", { ack: { replicas: 1, timeoutMs: 0 } }, /"ack.timeoutMs" must be an integer from 1/],
    [
      "ack by nobody",
      { ack: { replicas: 0, timeoutMs: 1 } },
      /"ack.replicas" must be an integer from 1 to 10000, "all" or "majority"; got 0/,
    ],
    ["ack by a word", { ack: { replicas: "most", timeoutMs: 1 } }, /"ack.replicas".*got "most"/],
    ["ack with a typo", { ack: { replica: 1, timeoutMs: 1 } }, /"ack.replica" is unknown; did you mean "replicas"/],
    ["a signal that is none", { signal: {} }, /"signal" must be an AbortSignal; got an object/],
    ["no time at all", { timeoutMs: 0 }, /"timeoutMs" must be an integer from 1/],
    ["yes as a word", { retryUnknown: "yes" }, /"retryUnknown" must be true or false/],
  ])("refuses %s", (_name, options, message) => expect(messageOf(options)).toMatch(message));
});

describe("strong and who serves reads", () => {
  const replica = resolveView({ readFrom: "replica" }, DEFAULT_VIEW);

  it.each(["replica", "replicaPreferred"] as const)("with %s in the same options it throws", (readFrom) => {
    expect(messageOf({ consistency: "strong", readFrom })).toMatch(
      /"readFrom" must not be .* with consistency "strong"/,
    );
  });

  it.each(["master", "masterPreferred", "nearest"] as const)("with %s it goes", (readFrom) => {
    expect(resolveView({ consistency: "strong", readFrom }, DEFAULT_VIEW).readFrom).toBe(readFrom);
  });

  it("overrides a replica form that was inherited", () => {
    expect(resolveView({ consistency: "strong" }, replica).readFrom).toBe("master");
    expect(resolveView({ consistency: "strong" }, DEFAULT_VIEW).readFrom).toBe("master");
  });

  it("gives the inherited form back to a view that is strong no more", () => {
    const strong = resolveView({ consistency: "strong" }, replica);
    expect(resolveView({ consistency: "session" }, strong).readFrom).toBe("replica");
    expect(resolveView({ timeoutMs: 5 }, strong).readFrom).toBe("master");
  });

  it("a strong view refuses a replica form named later", () => {
    const strong = resolveView({ consistency: "strong" }, DEFAULT_VIEW);
    expect(messageOf({ readFrom: "replica" }, strong)).toMatch(/"readFrom"/);
    expect(resolveView({ readFrom: "replica", consistency: "eventual" }, strong).readFrom).toBe("replica");
  });
});
