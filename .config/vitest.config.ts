import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const root = fileURLToPath(new URL("..", import.meta.url));
const at = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

/**
 * One vitest project per layer of tests, so that `--project unit` runs a layer alone. Files of layers that touch
 * nothing but values share a process's modules (`isolate: false`), which saves most of their time.
 */
const layer = (name: string, include: readonly string[], isolate = true) => ({
  extends: true as const,
  test: { name, include: [...include], isolate },
});

export default defineConfig({
  root,
  resolve: {
    // The doors by the names that users import, so that examples and tests read as an application would.
    alias: [
      { find: /^ioreplica$/, replacement: at("src/index.ts") },
      { find: /^ioreplica\/dev$/, replacement: at("src/server/index.ts") },
      { find: /^ioreplica\/dev\/vitest$/, replacement: at("src/vitest/index.ts") },
    ],
  },
  test: {
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    retry: 0,
    allowOnly: false,
    passWithNoTests: false,
    setupFiles: [at(".config/vitest.setup.ts")],
    reporters: ["default", at(".config/summary-reporter.ts")],
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      // Run in processes of their own by the tests, where v8 coverage of this process doesn't look.
      exclude: ["src/cli/**"],
      reporter: ["text-summary", "json-summary"],
      // What held when they were set, less a point: a floor, to be raised as the tests grow.
      thresholds: { statements: 90, branches: 84, functions: 89, lines: 92 },
      reportsDirectory: at("coverage"),
    },
    projects: [
      layer("unit", ["test/unit/**/*.test.ts"], false),
      layer("spec", ["test/spec/**/*.test.ts", "test/checker/**/*.test.ts"], false),
      layer("sim", ["test/sim/**/*.test.ts"]),
      layer("differential", ["test/differential/**/*.test.ts"]),
      layer("e2e", ["test/e2e/**/*.test.ts"]),
      layer("tidy", ["test/tidy/**/*.test.ts"]),
      layer("examples", ["test/examples/**/*.test.ts", "examples/**/*.test.ts"]),
      {
        extends: true,
        test: {
          name: "types",
          include: [],
          typecheck: {
            enabled: true,
            only: true,
            include: ["test/types/**/*.test-d.ts"],
            tsconfig: at(".config/tsconfig.types.json"),
            ignoreSourceErrors: true,
          },
        },
      },
    ],
  },
});
