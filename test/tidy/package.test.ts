import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PackedPackage, packPackage, run } from "./support/packed.js";
import { read, root } from "./support/repository.js";

let packed: PackedPackage;

beforeAll(() => {
  packed = packPackage();
}, 180_000);
afterAll(() => packed?.remove());

const manifest = JSON.parse(read("package.json")) as {
  exports: Record<string, string | { types: string; default: string }>;
  bin: Record<string, string>;
  version: string;
};

describe("the packed tarball", () => {
  test("holds the built package and its pages, and nothing else", () => {
    const allowed = /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|dist\/.+\.(js|d\.ts|js\.map|json))$/;
    expect(packed.files.filter((path) => !allowed.test(path))).toEqual([]);
    expect(packed.files).toEqual(expect.arrayContaining(["package.json", "README.md", "LICENSE"]));
  });

  test("has every file that the manifest names", () => {
    const doors = Object.values(manifest.exports).flatMap((door) =>
      typeof door === "string" ? [door] : Object.values(door),
    );
    const named = [...doors, ...Object.values(manifest.bin)].map((path) => path.replace(/^\.\//, ""));
    expect(named.filter((path) => !packed.files.includes(path))).toEqual([]);
  });
});

describe("each door", () => {
  test.each(["ioreplica", "ioreplica/dev"])("%s opens by import and by require, to the same things", (door) => {
    const code = `
      import { createRequire } from "node:module";
      const required = createRequire(import.meta.url)(${JSON.stringify(door)});
      const imported = await import(${JSON.stringify(door)});
      const names = Object.keys(imported).sort();
      if (names.length === 0) throw new Error("exports nothing");
      for (const name of names) if (imported[name] !== required[name]) throw new Error(name + " differs");
      console.log("same", names.length);`;
    expect(run(["--input-type=module", "--eval", code], packed.consumer)).toMatch(/^same \d+$/m);
  });

  test.each(["ioreplica", "ioreplica/dev"])("%s opens by require in a CommonJS program", (door) => {
    const code = `console.log(Object.keys(require(${JSON.stringify(door)})).join(" "))`;
    expect(run(["--input-type=commonjs", "--eval", code], packed.consumer)).toMatch(/\w/);
  });
});

describe("importing", () => {
  /** Every module file that importing `door` loads, ES and CommonJS. */
  function loadedBy(door: string): string[] {
    const hook = `
      import { writeSync } from "node:fs";
      export async function load(url, context, next) { writeSync(1, url + "\\n"); return next(url, context); }`;
    const code = `
      import { createRequire, register } from "node:module";
      register("data:text/javascript," + encodeURIComponent(${JSON.stringify(hook)}));
      await import(${JSON.stringify(door)});
      for (const path of Object.keys(createRequire(import.meta.url).cache)) console.log(path);`;
    return run(["--input-type=module", "--eval", code], packed.consumer).split("\n");
  }

  test('"ioreplica" loads ioredis and nothing of the dev server', () => {
    const loaded = loadedBy("ioreplica");
    expect(loaded.filter((path) => path.includes("ioreplica/dist/index.js"))).not.toEqual([]);
    expect(loaded.filter((path) => path.includes("node_modules/ioredis/"))).not.toEqual([]);
    expect(loaded.filter((path) => path.includes("ioreplica/dist/server/"))).toEqual([]);
    expect(loaded.filter((path) => path.includes("ioreplica/dist/cli/"))).toEqual([]);
  });

  test('"ioreplica/dev" loads nothing of ioredis and nothing of the client', () => {
    const loaded = loadedBy("ioreplica/dev");
    expect(loaded.filter((path) => path.includes("ioreplica/dist/server/index.js"))).not.toEqual([]);
    expect(loaded.filter((path) => /node_modules\/(ioredis|@ioredis|generic-pool)\//.test(path))).toEqual([]);
    expect(loaded.filter((path) => path.includes("ioreplica/dist/client/"))).toEqual([]);
  });
});

describe("a TypeScript program that uses the package compiles", () => {
  const program = `
    import { ReplicatedClient, type Topology } from "ioreplica";
    import { DevTopology } from "ioreplica/dev";
    import type { DevFixtures } from "ioreplica/dev/vitest";
    export const optionsOf = (fixtures: DevFixtures): number | undefined => fixtures.topologyOptions.replicas;
    export async function main(): Promise<string | null> {
      const topology = await DevTopology.start({ replicas: 2 });
      const redis = new ReplicatedClient(topology.options);
      redis.on("topology", (event) => { if (event.type === "writesLost") console.log(event.count.min, event.keys); });
      const shown: Topology = redis.topology;
      const value: string | null = await redis.with({ maxStalenessMs: 100 }).get(shown.master?.id ?? "k");
      await redis.quit();
      await topology.stop();
      return value;
    }`;

  test.each([
    ["as CommonJS", "commonjs", { module: "NodeNext", moduleResolution: "NodeNext" }],
    ["as an ES module", "module", { module: "NodeNext", moduleResolution: "NodeNext" }],
    ["for a bundler", "module", { module: "ESNext", moduleResolution: "Bundler" }],
  ])(
    "%s",
    (name, type, options) => {
      const folder = join(packed.consumer, name.replaceAll(" ", "-"));
      mkdirSync(folder);
      writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type }));
      writeFileSync(join(folder, "main.ts"), program);
      const compilerOptions = {
        ...options,
        target: "ES2022",
        lib: ["ES2023", "ESNext.Disposable"],
        strict: true,
        noEmit: true,
        types: ["node"],
        skipLibCheck: false,
      };
      writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["main.ts"] }));
      expect(run([join(root, "node_modules/typescript/bin/tsc"), "-p", folder], folder)).toBe("");
    },
    60_000,
  );
});

describe("each executable", () => {
  test.each(Object.entries(manifest.bin))("%s starts and says how it is used", (_, path) => {
    const file = join(packed.consumer, "node_modules/ioreplica", path);
    expect(run([file, "--help"], packed.consumer)).toMatch(/usage/i);
    // The server answers as the Redis it stands in for, since harnesses read that line.
    const version = path.endsWith("-server.js") ? "Redis server v=7.0." : manifest.version;
    expect(run([file, "--version"], packed.consumer)).toContain(version);
  });
});
