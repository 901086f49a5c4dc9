import { readFileSync } from "node:fs";

/** The version in a package.json, given relative to this directory. */
export function versionOf(packagePath: string): string {
  const { version } = JSON.parse(readFileSync(new URL(packagePath, import.meta.url), "utf8")) as { version: string };
  return version;
}
