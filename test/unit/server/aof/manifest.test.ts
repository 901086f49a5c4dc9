import { describe, expect, it } from "vitest";
import { formatManifest, parseManifest } from "../../../../src/server/aof/manifest.js";

const base = "file a.1.base.rdb seq 1 type b\n";

describe("the manifest of an append-only log", () => {
  it("comes back as it was written", () => {
    const manifest = {
      base: { name: "a b.2.base.rdb", seq: 2 },
      history: [{ name: "a.1.base.rdb", seq: 1 }],
      incremental: [
        { name: "a.3.incr.aof", seq: 3 },
        { name: "a.4.incr.aof", seq: 4 },
      ],
    };
    expect(formatManifest(manifest)).toBe(
      'file "a b.2.base.rdb" seq 2 type b\nfile a.1.base.rdb seq 1 type h\n' +
        "file a.3.incr.aof seq 3 type i\nfile a.4.incr.aof seq 4 type i\n",
    );
    expect(parseManifest(formatManifest(manifest))).toEqual(manifest);
    expect(parseManifest(`# a comment\n${base}`).base).toEqual({ name: "a.1.base.rdb", seq: 1 });
    expect(parseManifest("seq 1 later x type i file f\n").incremental).toEqual([{ name: "f", seq: 1 }]);
  });

  // As redis-server 7.0.15 refuses them.
  it.each([
    ["", "Found an empty AOF manifest"],
    ["\n", "Invalid AOF manifest file format"],
    ["file a seq 1\n", "Invalid AOF manifest file format"],
    ["file a seq x type i\n", "Invalid AOF manifest file format"],
    ["file ../a seq 1 type i\n", "File can't be a path, just a filename"],
    [base + base, "Found duplicate base file information"],
    ["file a seq 2 type i\nfile b seq 2 type i\n", "Found a non-monotonic sequence number"],
    ["file a seq 1 type x\n", "Unknown AOF file type"],
    [`file ${"a".repeat(2000)} seq 1 type i\n`, "The AOF manifest file contains too long line"],
  ])("%j is refused", (text, reason) => expect(() => parseManifest(text)).toThrow(reason));
});
