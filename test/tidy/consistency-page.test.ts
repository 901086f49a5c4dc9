import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { read, root } from "./support/repository.js";

const page = read("docs/consistency.md");

/** `[label]: path 'title'`: a file and a text that stands in it. */
const links = new Map(
  [...page.matchAll(/^\[([\w-]+)\]: (\S+) (?:'(.*)'|"(.*)")$/gm)].map(([, label, path, plain, escaped]) => [
    String(label),
    { path: String(path).replace("../", ""), title: plain ?? String(escaped).replaceAll('\\"', '"') },
  ]),
);

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
  const wrong = [...links].filter(([, { path, title }]) => {
    if (!existsSync(`${root}/${path}`)) return true;
    const text = read(path);
    // A cell of a table of cases is named by what it is made of.
    return !title.split(" × ").every((part) => text.includes(part));
  });
  expect(wrong).toEqual([]);
});

test("each link is used", () => {
  const table = rows.flat().join(" ");
  expect([...links.keys()].filter((label) => !table.includes(`[${label}]`))).toEqual([]);
});
