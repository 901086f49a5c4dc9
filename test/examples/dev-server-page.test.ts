import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), "utf8");
const bare = (code: string): string =>
  code
    .split("\n")
    .map((line) => line.trim())
    .join("\n");

test("every piece of code in docs/dev-server.md runs as a test in examples/dev-server.test.ts", () => {
  const example = bare(read("examples/dev-server.test.ts"));
  const pieces = [...read("docs/dev-server.md").matchAll(/```ts\n(.*?)```/gs)].map((match) => bare(match[1] ?? ""));
  expect(pieces.length).toBeGreaterThan(5);
  expect(pieces.filter((piece) => !example.includes(piece))).toEqual([]);
});
