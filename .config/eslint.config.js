import { fileURLToPath } from "node:url";
import tseslint from "typescript-eslint";

const root = fileURLToPath(new URL("..", import.meta.url));

const handedIn = "take a Clock or Random (src/core) as a parameter, so that tests and the simulation decide it";

const globalTimeAndChance = [
  ...["setTimeout", "setInterval", "setImmediate", "performance", "crypto"].map((name) => ({
    name,
    message: handedIn,
  })),
];

const timeAndChanceProperties = [
  ["Date", "now"],
  ["Math", "random"],
  ["performance", "now"],
  ["process", "hrtime"],
  ["process", "uptime"],
  ["crypto", "randomBytes"],
  ["crypto", "randomInt"],
  ["crypto", "randomUUID"],
  ...["Date", "performance", "setTimeout", "setInterval", "setImmediate", "crypto"].map((name) => ["globalThis", name]),
].map(([object, property]) => ({ object, property, message: handedIn }));

const timeAndChanceModules = [
  ...["node:timers", "node:timers/promises", "timers", "timers/promises", "node:perf_hooks", "perf_hooks"].map(
    (name) => ({
      name,
      message: handedIn,
    }),
  ),
  ...["node:crypto", "crypto"].map((name) => ({
    name,
    importNames: [
      "default",
      "randomBytes",
      "randomFill",
      "randomFillSync",
      "randomInt",
      "randomUUID",
      "getRandomValues",
      "webcrypto",
      "pseudoRandomBytes",
    ],
    message: handedIn,
  })),
];

const ioredisInternals = {
  group: ["ioredis/built/*", "ioredis/built"],
  message: "only what ioredis exports is stable",
};
const onlyInConnection = {
  group: ["ioredis", "generic-pool"],
  allowTypeImports: true,
  message: "only src/client/connection/ and src/client/replicated-client.ts speak to ioredis and generic-pool",
};
const neverInServer = {
  group: ["ioredis", "generic-pool"],
  message: "the dev server and what it shares with the client know nothing of ioredis",
};

/** `no-restricted-imports` for one set of files: an own rule value replaces the inherited one whole. */
const imports = (paths, ...patterns) => ["error", { paths, patterns: [ioredisInternals, ...patterns] }];

export default tseslint.config(
  {
    ignores: [
      "dist/**",
      "coverage/**",
      "docs/**",
      "node_modules/**",
      "test/bench/**",
      "test/libraries/**",
      "examples/web/**",
      ".config/**",
    ],
  },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.base],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: root } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/consistent-type-imports": ["error", { disallowTypeAnnotations: false }],
      "@typescript-eslint/no-base-to-string": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-floating-promises": ["error", { checkThenables: true }],
      "@typescript-eslint/no-for-in-array": "error",
      "@typescript-eslint/no-implied-eval": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/no-restricted-imports": imports([]),
      "@typescript-eslint/only-throw-error": ["error", { allowThrowingUnknown: true, allowRethrowing: true }],
      "@typescript-eslint/prefer-promise-reject-errors": ["error", { allowThrowingUnknown: true }],
      "@typescript-eslint/return-await": ["error", "error-handling-correctness-only"],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-eval": "error",
      "no-warning-comments": ["error", { terms: ["todo", "fixme", "xxx"], location: "anywhere" }],
    },
  },
  {
    files: ["src/**/*.ts"],
    ignores: ["src/core/**", "src/cli/**"],
    rules: {
      "no-restricted-globals": ["error", ...globalTimeAndChance],
      "no-restricted-properties": ["error", ...timeAndChanceProperties],
      "no-restricted-syntax": [
        "error",
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: handedIn },
        { selector: "CallExpression[callee.name='Date']", message: handedIn },
        { selector: "ExportDefaultDeclaration", message: "exports have names" },
      ],
      "no-console": "error",
      "@typescript-eslint/no-restricted-imports": imports(timeAndChanceModules, neverInServer),
    },
  },
  {
    files: ["src/core/**/*.ts"],
    rules: {
      "no-console": "error",
      "@typescript-eslint/no-restricted-imports": imports([], neverInServer),
    },
  },
  {
    files: ["src/client/**/*.ts", "src/index.ts"],
    rules: { "@typescript-eslint/no-restricted-imports": imports(timeAndChanceModules, onlyInConnection) },
  },
  {
    files: ["src/client/connection/**/*.ts", "src/client/replicated-client.ts"],
    rules: { "@typescript-eslint/no-restricted-imports": imports(timeAndChanceModules) },
  },
  {
    // vitest's `expect(…).rejects` and `test` callbacks are awaited by the runner; `any` is how expect sees values.
    files: ["test/**/*.ts", "examples/**/*.ts"],
    rules: { "@typescript-eslint/no-base-to-string": "off", "@typescript-eslint/no-explicit-any": "error" },
  },
);
