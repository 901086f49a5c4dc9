/**
 * Writes src/protocol/command-table/data.ts from a running redis-server, through redis-cli:
 * `npx tsx test/tools/capture-command-table.ts <port>`. Only facts are taken, none of the server's prose.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";

const port = process.argv[2];
if (port === undefined) throw new Error("usage: capture-command-table.ts <port>");

interface RawKeySpec {
  flags: string[];
  begin_search: { type: string; spec: { index?: number; keyword?: string; startfrom?: number } };
  find_keys: { type: string; spec: Record<string, number> };
}
type RawCommand = [string, number, string[], number, number, number, string[], string[], RawKeySpec[], RawCommand[]];
interface RawDocs {
  since: string;
  group: string;
  subcommands?: Record<string, RawDocs>;
}

const cli = (...args: string[]): string =>
  execFileSync("redis-cli", ["-3", "-p", port, ...args], { encoding: "utf8", maxBuffer: 1 << 26 });
const ask = <T>(...args: string[]): T => JSON.parse(cli("--json", ...args)) as T;

const version = /redis_version:(\S+)/.exec(cli("info", "server"))?.[1] ?? "?";
const docs = ask<Record<string, RawDocs>>("command", "docs");

function keySpec(raw: RawKeySpec): unknown[] {
  const { type, spec } = raw.begin_search;
  const begin = type === "index" ? spec.index : type === "keyword" ? [spec.keyword, spec.startfrom] : null;
  const find = raw.find_keys.spec;
  const how =
    raw.find_keys.type === "range"
      ? ["range", find["lastkey"], find["keystep"], find["limit"]]
      : raw.find_keys.type === "keynum"
        ? ["keynum", find["keynumidx"], find["firstkey"], find["keystep"]]
        : null;
  return [raw.flags.join(" "), begin, how];
}

function row(raw: RawCommand, doc: RawDocs | undefined): unknown[] {
  const [name, arity, flags, first, last, step, categories, tips, specs, subcommands] = raw;
  const short = categories.map((category) => category.slice(1)).join(" ");
  const subs = subcommands.map((sub) => row(sub, doc?.subcommands?.[sub[0]])).sort(byName);
  return [
    name,
    arity,
    flags.join(" "),
    first,
    last,
    step,
    short,
    tips,
    specs.map(keySpec),
    doc?.since ?? "",
    doc?.group ?? "",
    subs,
  ];
}

const byName = (a: unknown[], b: unknown[]): number => (String(a[0]) < String(b[0]) ? -1 : 1);
const rows = ask<RawCommand[]>("command")
  .map((raw) => row(raw, docs[raw[0]]))
  .sort(byName);
const text = `import type { CommandRow } from "./rows.js";

/** COMMAND of redis-server ${version}, captured by test/tools/capture-command-table.ts. */
// biome-ignore format: one command per line
export const commandRows: readonly CommandRow[] = [
${rows.map((r) => `  ${JSON.stringify(r)},`).join("\n")}
];
`;
writeFileSync(new URL("../../src/protocol/command-table/data.ts", import.meta.url), text);
console.log(`${rows.length} commands of ${version}`);
