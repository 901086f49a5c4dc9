import { ESLint } from "eslint";
import { beforeAll, describe, expect, test } from "vitest";
import { root } from "./support/repository.js";

// A rule that never fired may be a rule that is misspelt: each is shown a violation in a place where it must
// hold, and the same lines in a place where they are allowed.
const eslint = new ESLint({ cwd: root, overrideConfigFile: `${root}/.config/eslint.config.js` });

async function rulesBroken(file: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath: `${root}/${file}` });
  return [...new Set(result?.messages.map((message) => message.ruleId ?? message.message))].sort();
}

// The first file makes the compiler read the whole tree.
beforeAll(() => rulesBroken("src/core/clock.ts", "export {};"), 120_000);

const CLIENT = "src/client/types.ts";
const SERVER = "src/server/index.ts";
const CONNECTION = "src/client/connection/open-redis.ts";
const CORE = "src/core/clock.ts";

describe("lint refuses", () => {
  test.each([
    ["a global clock", SERVER, "export const at = Date.now();", "no-restricted-properties"],
    ["the time of now as a Date", CLIENT, "export const at = new Date();", "no-restricted-syntax"],
    ["a monotonic clock", CLIENT, "export const at = performance.now();", "no-restricted-globals"],
    ["a clock of the process", CLIENT, "export const at = process.hrtime();", "no-restricted-properties"],
    ["a timer", SERVER, "setTimeout(() => undefined, 5);", "no-restricted-globals"],
    ["an interval", CLIENT, "setInterval(() => undefined, 5);", "no-restricted-globals"],
    ["an immediate", CONNECTION, "setImmediate(() => undefined);", "no-restricted-globals"],
    ["a timer through globalThis", CLIENT, "globalThis.setTimeout(() => undefined, 5);", "no-restricted-properties"],
    ["chance", CLIENT, "export const by = Math.random();", "no-restricted-properties"],
    [
      "a timer by import",
      CONNECTION,
      'import { setTimeout as wait } from "node:timers/promises";\nexport const later = wait;',
      "@typescript-eslint/no-restricted-imports",
    ],
    [
      "chance by import",
      SERVER,
      'import { randomUUID } from "node:crypto";\nexport const id = randomUUID;',
      "@typescript-eslint/no-restricted-imports",
    ],
    [
      "ioredis's internals",
      CONNECTION,
      'import Command from "ioredis/built/Command.js";\nexport const C = Command;',
      "@typescript-eslint/no-restricted-imports",
    ],
    [
      "ioredis away from the connection floor",
      CLIENT,
      'import { Redis } from "ioredis";\nexport const R = Redis;',
      "@typescript-eslint/no-restricted-imports",
    ],
    [
      "even a type of ioredis in the dev server",
      SERVER,
      'import type { Redis } from "ioredis";\nexport type R = Redis;',
      "@typescript-eslint/no-restricted-imports",
    ],
    [
      "a floating promise",
      SERVER,
      "async function work(): Promise<void> {}\nexport const run = (): void => {\n  work();\n};",
      "@typescript-eslint/no-floating-promises",
    ],
    [
      "a promise where a condition stands",
      CLIENT,
      "async function ok(): Promise<boolean> {\n  return true;\n}\nexport const run = (): number => (ok() ? 1 : 2);",
      "@typescript-eslint/no-misused-promises",
    ],
    [
      "a switch that forgets a case",
      CLIENT,
      'export function f(x: "a" | "b"): void {\n  switch (x) {\n    case "a":\n      break;\n  }\n}',
      "@typescript-eslint/switch-exhaustiveness-check",
    ],
    ["printing", SERVER, 'console.log("hello");', "no-console"],
    ["a default export", CLIENT, "export default 1;", "no-restricted-syntax"],
  ])("%s", async (_, file, code, rule) => {
    expect(await rulesBroken(file, code)).toContain(rule);
  });
});

describe("lint allows", () => {
  test.each([
    ["the clock in core/", CORE, "export const at = (): number => Date.now() + performance.now();"],
    ["a Date of a given time", SERVER, "export const at = (ms: number): Date => new Date(ms);"],
    ["hashes", SERVER, 'import { createHash } from "node:crypto";\nexport const hash = createHash;'],
    ["ioredis on the connection floor", CONNECTION, 'import { Redis } from "ioredis";\nexport const R = Redis;'],
    ["a microtask", CLIENT, "export const soon = (run: () => void): void => queueMicrotask(run);"],
  ])("%s", async (_, file, code) => {
    expect(await rulesBroken(file, code)).toEqual([]);
  });
});
