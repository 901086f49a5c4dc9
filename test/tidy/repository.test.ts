import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const tracked = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: root, encoding: "utf8" })
  .split("\n")
  .filter((path) => path !== "" && statSync(`${root}/${path}`, { throwIfNoEntry: false })?.isFile());
const text = (path: string): string => readFileSync(`${root}/${path}`, "utf8");

describe("the repository", () => {
  test("has the fixed top level and nothing else", () => {
    const top = new Set(tracked.map((path) => path.split("/")[0] ?? ""));
    const visible = [...top].filter((name) => !name.startsWith(".")).sort();
    expect(visible).toEqual(
      [
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "README.md",
        "SECURITY.md",
        "docs",
        "examples",
        "package-lock.json",
        "package.json",
        "src",
        "test",
        "tsconfig.json",
        "typedoc.json",
      ].sort(),
    );
  });
});
