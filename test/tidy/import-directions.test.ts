import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { root } from "./support/repository.js";

const run = promisify(execFile);

const NOTHING = "export {};\n";
const IOREDIS = 'import { Redis } from "ioredis";\nexport const R = Redis;\n';

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

/** What breaks a rule, each file one; two of them break two. */
const PLANTED = {
  "src/core/asks-protocol.ts": 'export * from "../protocol/b.js";\n',
  "src/protocol/asks-client.ts": 'export * from "../client/b.js";\n',
  "src/server/asks-client.ts": 'export * from "../client/b.js";\n',
  "src/client/asks-executable.ts": 'export * from "../cli/b.js";\n',
  "src/client/loads-server.ts": 'export * from "../server/b.js";\n',
  "src/index.ts": 'export * from "./server/b.js";\n',
  "src/client/asks-test.ts": 'export * from "../../test/b.js";\n',
  "src/client/engine/loads-ioredis.ts": IOREDIS,
  "src/server/knows-ioredis.ts": 'import type { Redis } from "ioredis";\nexport type R = Redis;\n',
  "src/core/circle-1.ts": 'import { b } from "./circle-2.js";\nexport const a = (): unknown => b;\n',
  "src/core/circle-2.ts": 'import { a } from "./circle-1.js";\nexport const b = (): unknown => a;\n',
  "src/client/leads-nowhere.ts": 'export * from "./missing.js";\n',
  "src/protocol/b.ts": NOTHING,
  "src/client/b.ts": NOTHING,
  "src/server/b.ts": NOTHING,
  "src/cli/b.ts": NOTHING,
  "test/b.ts": NOTHING,
};

/** Along the direction; the dev server by dynamic import only. */
const RIGHT = {
  "src/core/c.ts": NOTHING,
  "src/protocol/d.ts": 'export * from "../core/c.js";\n',
  "src/server/e.ts": 'export * from "../protocol/d.js";\n',
  "src/client/f.ts": 'export * from "../protocol/d.js";\nexport const dev = () => import("../server/e.js");\n',
  "src/cli/g.ts": 'export * from "../client/f.js";\nexport * from "../server/e.js";\n',
};

// In one tree: the checker costs a process and a resolution of ioredis each time.
test("each planted import against the direction is found, and none of those along it", async () => {
  expect(await broken({ ...PLANTED, ...RIGHT })).toEqual(
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
