import { expect, test } from "vitest";
import { read } from "./support/repository.js";

/** The table at the end of docs/torture.md: rule, file, and a text that stands in it. */
const rows = [...read("docs/torture.md").matchAll(/^\| (.+?) \| \[.+?\]\(\.\.\/(test\/.+?)\) \| (.+?) \|$/gm)].map(
  ([, rule, path, text]) => ({
    rule: String(rule),
    path: String(path),
    text: text === "the rule itself" ? rule : text,
  }),
);

test("each test that is named as noticing a rule's absence is there", () => {
  expect(rows.length).toBeGreaterThan(40);
  expect(rows.filter(({ path, text }) => !read(path).includes(String(text)))).toEqual([]);
});

test.each(["consistency", "failover"])("each rule that the simulation takes away is named (%s)", (name) => {
  const path = `test/sim/mutations/${name}.test.ts`;
  const taken = [...read(path).matchAll(/^ {4}rule: "(.+)",$/gm)].map(([, rule]) => rule);
  expect(taken.length).toBeGreaterThan(8);
  expect(rows.filter((row) => row.path === path).map(({ rule }) => rule)).toEqual(taken);
});
