import { expect, it } from "vitest";
import { OPTION_TABLE, type OptionSpec } from "../../src/client/options/table.js";
import { resolveOptions } from "../../src/client/options.js";
import { optionsPage } from "./support/options-page.js";

it("docs/options.md says what the option table says (`vitest run -u` on this file writes it anew)", async () => {
  await expect(optionsPage()).toMatchFileSnapshot("../../docs/options.md");
});

it("the defaults of the table are those that a client gets", () => {
  const resolved = { ...resolveOptions("h"), ...resolveOptions("h").view } as unknown as Record<string, unknown>;
  for (const [name, spec] of Object.entries(OPTION_TABLE) as [string, OptionSpec][]) {
    if (spec.kind === "custom" || name === "enableTLSForSentinelMode" || name === "updateSentinels") continue;
    const expected =
      spec.kind === "group"
        ? Object.fromEntries(Object.entries(spec.fields).map(([field, each]) => [field, each.default]))
        : spec.default;
    // What is not set is null, or part of something (a preference) that is not there at all.
    expect([name, resolved[name] ?? null]).toEqual([name, expected]);
  }
});

it("the defaults are those of the published interface", () => {
  expect(resolveOptions("h")).toMatchObject({
    view: {
      consistency: "session",
      readFrom: "replicaPreferred",
      verifyReads: true,
      maxStalenessMs: null,
      maxLagBytes: null,
    },
    discoverReplicas: true,
    pollIntervalMs: 1000,
    heartbeatTimeoutMs: 1000,
    failoverTimeoutMs: 10_000,
    arbitrationMs: 2000,
    readHoldMs: 20,
    onSplitBrain: "newest",
    onHistoryReset: "follow",
    limits: {
      queuedCommands: 10_000,
      queuedBytes: 67_108_864,
      inFlightBytesPerNode: 67_108_864,
      trackedKeys: 10_000,
      samples: 256,
      sessions: 10_000,
    },
    pool: { max: 50, idleTimeoutMs: 30_000, acquireTimeoutMs: 5000 },
    tokenTtlMs: 3_600_000,
  });
});
