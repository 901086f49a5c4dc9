import { expect, test } from "vitest";
import { OPTION_TABLE } from "../../src/client/options/table.js";
import { linksOf, wrongLinks } from "./support/page-links.js";
import { read } from "./support/repository.js";

const page = read("docs/limits.md");
const links = linksOf(page);

/** The rows of the tables, each as its cells. */
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| what "))
  .map((line) => line.slice(2, -2).split(" | "));

test("each row says what grows, how far, what comes then, and which test fills it", () => {
  expect(rows.length).toBeGreaterThan(40);
  for (const row of rows) {
    expect(row, row[0]).toHaveLength(4);
    const [what, , , shown] = row as [string, string, string, string];
    const labels = [...shown.matchAll(/\[test\]\[([\w-]+)\]/g)].map(([, label]) => label);
    expect(shown === "–" || labels.length > 0, `${what}: "${shown}"`).toBe(true);
    for (const label of labels) expect([...links.keys()]).toContain(label);
  }
});

test("each test that it names is there, and each link is used", () => {
  expect(wrongLinks(links)).toEqual([]);
  const used = rows.map(([, , , shown]) => shown).join(" ");
  expect([...links.keys()].filter((label) => !used.includes(`[${label}]`))).toEqual([]);
});

test("no option of `limits` is left out", () => {
  for (const name of Object.keys(OPTION_TABLE.limits.fields)) expect(page).toContain(`\`limits.${name}\``);
});
