import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./repository.js";

export interface PackedPackage {
  /** Paths in the tarball, without the leading `package/`, sorted. */
  readonly files: readonly string[];
  /** The tarball. */
  readonly tarball: string;
  /** A project in which the tarball is installed as `node_modules/ioreplica`, beside its dependencies. */
  readonly consumer: string;
  remove(): void;
}

/**
 * Builds and packs the package away from the working tree (so that a `dist/` somebody uses stays as it is) and
 * installs the tarball into an empty project, as a user would get it.
 */
export function packPackage(): PackedPackage {
  const folder = mkdtempSync(join(tmpdir(), "ioreplica-pack-"));
  const staging = join(folder, "staging");
  const consumer = join(folder, "consumer");
  const modules = join(consumer, "node_modules");
  mkdirSync(staging);
  mkdirSync(join(modules, "ioreplica"), { recursive: true });
  run(
    [
      join(root, "node_modules/typescript/bin/tsc"),
      "-p",
      ".config/tsconfig.build.json",
      "--outDir",
      join(staging, "dist"),
    ],
    root,
  );
  for (const name of readdirSync(root)) {
    if (/^(package\.json|src|test|docs|\.npmrc|[A-Z]+(\.md)?)$/.test(name)) {
      cpSync(join(root, name), join(staging, name), {
        recursive: true,
        filter: (path) => !path.endsWith("node_modules"),
      });
    }
  }
  execFileSync("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], {
    cwd: staging,
    stdio: "pipe",
  });
  const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "no tarball");
  execFileSync("tar", ["-xzf", tarball, "-C", join(modules, "ioreplica"), "--strip-components=1"]);
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (!name.startsWith(".") && !existsSync(join(modules, name)))
      symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
  const listed = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).trim().split("\n");
  return {
    files: listed.map((path) => path.replace(/^package\//, "")).sort(),
    tarball,
    consumer,
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** Runs Node.js with these arguments; what it printed, or an error that carries all output. */
export function run(args: readonly string[], cwd: string): string {
  try {
    return execFileSync(process.execPath, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`node ${args.join(" ")} failed:\n${stdout ?? ""}${stderr ?? ""}`, { cause: error });
  }
}
