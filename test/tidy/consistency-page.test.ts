import { expect, test } from "vitest";
import { linksOf, wrongLinks } from "./support/page-links.js";
import { read } from "./support/repository.js";

const page = read("docs/consistency.md");

const links = linksOf(page);

/** The rows of the matrix, each as its cells. */
const rows = page
  .slice(page.indexOf("| guarantee | setting |"))
  .split("\n\n")[0]
  ?.split("\n")
  .slice(2)
  .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "").trim())) as string[][];

test("each cell of the matrix is backed by a test, or says that nothing is promised", () => {
  expect(rows.length).toBeGreaterThanOrEqual(13);
  for (const [guarantee, setting, ...cells] of rows) {
    expect(cells, `${guarantee}, ${setting}`).toHaveLength(7);
    for (const cell of cells) {
      const labels = [...cell.matchAll(/\[\w\]\[([\w-]+)\]/g)].map(([, label]) => label);
      expect(cell === "–" || labels.length > 0, `${guarantee}, ${setting}: "${cell}"`).toBe(true);
      for (const label of labels) expect([...links.keys()]).toContain(label);
    }
  }
});

test("each test that it names is there", () => {
  expect(wrongLinks(links)).toEqual([]);
});

test("each link is used", () => {
  const table = rows.flat().join(" ");
  expect([...links.keys()].filter((label) => !table.includes(`[${label}]`))).toEqual([]);
});
