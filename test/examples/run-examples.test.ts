import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const examples = readdirSync(`${root}/examples`).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));

/**
 * What an example says it prints: its comments of the form `// prints: text`, in order. Each must occur in the
 * output, one after another; `…` stands for anything.
 */
function promised(name: string): RegExp[] {
  const code = readFileSync(`${root}/examples/${name}`, "utf8");
  return [...code.matchAll(/\/\/ prints: (.+)$/gm)].map(
    (match) =>
      new RegExp(
        (match[1] ?? "")
          .trim()
          .split("…")
          .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
          .join(".*"),
      ),
  );
}

function runExample(name: string): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--import", "tsx", `examples/${name}`], { cwd: root, timeout: 30_000 });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      err += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

describe("examples", () => {
  test("there are the ones that README speaks of", () => {
    expect(examples).toEqual(expect.arrayContaining(["quick-start.ts"]));
  });

  test.each(examples)(
    "%s ends by itself, without a complaint, and prints what it says",
    async (name) => {
      const { code, out, err } = await runExample(name);
      expect({ code, err }, out).toEqual({ code: 0, err: "" });
      expect(out).not.toBe("");
      let rest = out;
      for (const line of promised(name)) {
        const at = rest.search(line);
        expect(at, `${String(line)} in what ${name} printed: ${out}`).toBeGreaterThanOrEqual(0);
        rest = rest.slice(at);
      }
    },
    40_000,
  );
});
