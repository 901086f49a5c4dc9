import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { root } from "./support/repository.js";

const run = promisify(execFile);

/** What breaks a rule in a tree of the given files, as `rule: file`, sorted. */
async function broken(tree: Readonly<Record<string, string>>): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "ioreplica-imports-"));
  try {
    symlinkSync(`${root}/node_modules`, join(folder, "node_modules"));
    for (const [path, code] of Object.entries({ "package.json": '{"type":"module"}', ...tree })) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), code);
    }
    const cruiser = `${root}/node_modules/dependency-cruiser/bin/dependency-cruise.mjs`;
    const options = ["--config", `${root}/.config/dependency-cruiser.cjs`, "--output-type", "json", "src"];
    const { stdout } = await run(process.execPath, [cruiser, ...options], { cwd: folder, maxBuffer: 1 << 26 }).catch(
      (error: unknown) => error as { stdout: string },
    );
    const report = JSON.parse(stdout) as {
      summary: { violations: { rule: { name: string }; from: string }[]; totalCruised: number };
    };
    expect(report.summary.totalCruised).toBeGreaterThan(0);
    return report.summary.violations.map(({ rule, from }) => `${rule.name}: ${from}`).sort();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("each planted import against the direction is found, and none besides", async () => {
  const nothing = "export {};\n";
  const ioredis = 'import { Redis } from "ioredis";\nexport const R = Redis;\n';
  const found = await broken({
    "src/core/asks-protocol.ts": 'export * from "../protocol/b.js";\n',
    "src/protocol/asks-client.ts": 'export * from "../client/b.js";\n',
    "src/server/asks-client.ts": 'export * from "../client/b.js";\n',
    "src/client/asks-executable.ts": 'export * from "../cli/b.js";\n',
    "src/client/loads-server.ts": 'export * from "../server/b.js";\n',
    "src/index.ts": 'export * from "./server/b.js";\n',
    "src/client/asks-test.ts": 'export * from "../../test/b.js";\n',
    "src/client/engine/loads-ioredis.ts": ioredis,
    "src/server/knows-ioredis.ts": 'import type { Redis } from "ioredis";\nexport type R = Redis;\n',
    "src/core/circle-1.ts": 'import { b } from "./circle-2.js";\nexport const a = (): unknown => b;\n',
    "src/core/circle-2.ts": 'import { a } from "./circle-1.js";\nexport const b = (): unknown => a;\n',
    "src/client/leads-nowhere.ts": 'export * from "./missing.js";\n',
    "src/protocol/b.ts": nothing,
    "src/client/b.ts": nothing,
    "src/server/b.ts": nothing,
    "src/cli/b.ts": nothing,
    "test/b.ts": nothing,
  });
  expect(found).toEqual(
    [
      "core-knows-nothing: src/core/asks-protocol.ts",
      "protocol-on-core: src/protocol/asks-client.ts",
      "server-not-client: src/server/asks-client.ts",
      "client-not-cli: src/client/asks-executable.ts",
      "client-to-server-by-dynamic-import: src/client/loads-server.ts",
      "client-to-server-by-dynamic-import: src/index.ts",
      "src-not-tests: src/client/asks-test.ts",
      "ioredis-at-the-edge: src/client/engine/loads-ioredis.ts",
      "declared: src/client/engine/loads-ioredis.ts",
      "server-without-ioredis: src/server/knows-ioredis.ts",
      "no-circles: src/core/circle-1.ts",
      "resolvable: src/client/leads-nowhere.ts",
    ].sort(),
  );
});

test("imports along the direction are let through, the dev server by dynamic import only", async () => {
  const found = await broken({
    "src/core/a.ts": "export {};\n",
    "src/protocol/b.ts": 'export * from "../core/a.js";\n',
    "src/server/c.ts": 'export * from "../protocol/b.js";\n',
    "src/client/d.ts": 'export * from "../protocol/b.js";\nexport const dev = () => import("../server/c.js");\n',
    "src/index.ts": 'export * from "./client/d.js";\n',
  });
  expect(found).toEqual([]);
});
