import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { read, repositoryFiles } from "./support/repository.js";

const files = repositoryFiles();
const texts = files.filter((path) => /\.(ts|js|cjs|mjs|json|md|sh|txt|yml)$|(^|\/)\.[^/]+$|^\.ci\//.test(path));
const sources = files.filter((path) => path.startsWith("src/") && path.endsWith(".ts"));

/** Files of src that may be longer than 400 lines, each with the reason. */
const LONG_FILES: Readonly<Record<string, string>> = {
  "src/client/engine/engine.ts": "makes the parts of a client known to each other; each of them is a file of its own",
  "src/client/engine/write-lane.ts": "one queue whose rules of order refer to each other",
};

interface Manifest {
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
  readonly peerDependencies: Record<string, string>;
  readonly scripts: Record<string, string>;
}

const manifest = JSON.parse(read("package.json")) as Manifest;

describe("the repository", () => {
  test("has the fixed top level and nothing else", () => {
    const top = new Set(files.map((path) => path.split("/")[0] ?? ""));
    const fixed = [
      "package.json",
      "package-lock.json",
      "tsconfig.json",
      "typedoc.json",
      "src",
      "test",
      "examples",
      "docs",
    ];
    const pages = ["README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"];
    expect([...top].filter((name) => !name.startsWith(".")).sort()).toEqual([...fixed, ...pages].sort());
  });

  test("has the fixed scripts", () => {
    expect(Object.keys(manifest.scripts)).toEqual(
      expect.arrayContaining(["demo", "test", "build", "bench", "docs", "lint", "format", "typecheck", "prepack"]),
    );
  });

  test("names no path of a machine and no registry", () => {
    const machine = new RegExp(["/wor" + "k/", "/ro" + "ot/", "/ho" + "me/", "/Use" + "rs/"].join("|"));
    const registry = new RegExp(`registry\\.${"npmjs"}|\\bresolve${"d"}":`);
    expect(texts.filter((path) => machine.test(read(path)))).toEqual([]);
    expect(texts.filter((path) => registry.test(read(path)))).toEqual([]);
  });

  test("keeps files of src small: at most 400 lines, unless listed here with the reason", () => {
    const long = sources.filter((path) => read(path).split("\n").length > 401);
    expect(long.filter((path) => !(path in LONG_FILES))).toEqual([]);
    expect(Object.keys(LONG_FILES).filter((path) => !long.includes(path))).toEqual([]);
  });

  test("postpones nothing: no marker of work left undone", () => {
    const marker = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"].join("|")})\\b`);
    expect(texts.filter((path) => path !== ".config/eslint.config.js" && marker.test(read(path)))).toEqual([]);
  });

  test("runs every test: none is skipped, singled out or left empty", () => {
    const tests = files.filter((path) => /^(test|examples)\/.*\.test\.ts$/.test(path));
    const left = /\b(test|it|describe)\.(skip|only|todo|fails)\b|\bretry:\s*[1-9]/;
    expect(tests.filter((path) => path !== "test/tidy/repository.test.ts" && left.test(read(path)))).toEqual([]);
  });
});

describe("dependencies", () => {
  test("for development are pinned; those of the package have carets", () => {
    for (const version of Object.values(manifest.devDependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    for (const version of Object.values(manifest.dependencies)) expect(version).toMatch(/^\^\d+\.\d+\.\d+$/);
    expect(manifest.peerDependencies).toEqual({ ioredis: "^6.0.0", vitest: "^4.0.0" });
  });

  test("at run time stay in single digits, with all that they bring", () => {
    const lock = JSON.parse(read("package-lock.json")) as {
      packages: Record<string, { dev?: boolean; devOptional?: boolean; peer?: boolean }>;
    };
    const installed = Object.entries(lock.packages).filter(
      ([path, { dev, devOptional, peer }]) => path !== "" && !dev && !devOptional && !peer,
    );
    expect(installed.length).toBeGreaterThanOrEqual(Object.keys(manifest.dependencies).length);
    expect(installed.map(([path]) => path)).toHaveLength(Math.min(installed.length, 9));
  });

  test("run no script when they are installed, except that esbuild and fsevents check their binaries for development", () => {
    const lock = JSON.parse(read("package-lock.json")) as {
      packages: Record<string, { hasInstallScript?: boolean; dev?: boolean; integrity?: string; link?: boolean }>;
    };
    const withScript = Object.entries(lock.packages).filter(([, entry]) => entry.hasInstallScript);
    expect(withScript.filter(([, entry]) => !entry.dev).map(([path]) => path)).toEqual([]);
    const unproven = Object.entries(lock.packages).filter(([path, entry]) => path !== "" && !entry.integrity);
    expect(unproven.map(([path]) => path)).toEqual([]);
  });
});

describe("the pages", () => {
  const pages = files.filter((path) => path.endsWith(".md"));

  test.each(pages)("%s links only to what is there", (page) => {
    const targets = [...read(page).matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)].map((match) => match[1] ?? "");
    const local = targets.filter((target) => !/^[a-z]+:/.test(target)).map((target) => join(dirname(page), target));
    expect(local.filter((target) => !files.some((path) => path === target || path.startsWith(`${target}/`)))).toEqual(
      [],
    );
  });

  test("decisions are numbered without gaps", () => {
    const numbers = pages
      .filter((page) => page.startsWith("docs/decisions/"))
      .map((page) => Number(page.slice(15, 19)));
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });
});
