import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Absolute path of the repository, without a slash at the end. */
export const root = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");

/** What a checkout leaves out of the repository's files; the same as `.gitignore`. */
const IGNORED = /(^|\/)(node_modules|dist|coverage|\.git|docs\/api)(\/|$)|\.tgz$/;

/** All files of the repository, relative, `/`-separated, sorted: as git has them, or as they lie there where git is missing. */
export function repositoryFiles(): string[] {
  return (fromGit() ?? walk("")).filter((path) => !IGNORED.test(path) && existsSync(`${root}/${path}`)).sort();
}

/** A file of the repository as text. */
export function read(path: string): string {
  return readFileSync(`${root}/${path}`, "utf8");
}

function fromGit(): string[] | null {
  try {
    const listed = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return listed.split("\n").filter((path) => path !== "");
  } catch {
    return null;
  }
}

function walk(folder: string): string[] {
  return readdirSync(`${root}/${folder}`, { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (IGNORED.test(path)) return [];
    return entry.isDirectory() ? walk(path) : [path];
  });
}
