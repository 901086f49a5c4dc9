import { stripVTControlCharacters as bare } from "node:util";
import { describe, expect, it } from "vitest";
import { bar, clip, type NodeView, renderNodes, renderView } from "../../../src/cli/demo/view.js";

const node = (id: string, role: NodeView["role"], rest: Partial<NodeView> = {}): NodeView => ({
  id,
  role,
  writable: false,
  reads: 0,
  writes: 0,
  note: "",
  ...rest,
});

describe("the picture of the demo", () => {
  it.each([
    [0, "    "],
    [0.5, "██  "],
    [0.53, "██▏ "],
    [1, "████"],
    [2, "████"],
    [-1, "    "],
  ])("a bar of %d over four cells", (share, drawn) => {
    expect(bar(share, 4)).toBe(drawn);
  });

  it("a line is cut by what is seen of it, and its colour ends with it", () => {
    expect(clip("plain", 3)).toBe("pla\u001b[0m");
    expect(clip("plain", 5)).toBe("plain");
    expect(clip("\u001b[32mgreen\u001b[39m", 5)).toBe("\u001b[32mgreen\u001b[39m");
    expect(clip("\u001b[32mgreen\u001b[39m", 2)).toBe("\u001b[32mgr\u001b[0m");
  });

  it("replicas hang from the node that is written to; a master that isn't stands apart", () => {
    const lines = renderNodes([
      node("127.0.0.1:1", "master", { note: "back, and says it is the master" }),
      node("127.0.0.1:2", "master", { writable: true, reads: 10, writes: 3 }),
      node("127.0.0.1:3", "replica", { reads: 30 }),
      node("127.0.0.1:4", "replica", { reads: 0 }),
    ]).map((line) => bare(line));
    expect(lines.map((line) => line.slice(0, 28).trimEnd())).toEqual([
      "● master     127.0.0.1:2",
      "├─ ● replica 127.0.0.1:3",
      "└─ ● replica 127.0.0.1:4",
      "● master     127.0.0.1:1",
    ]);
    expect(lines[0]).toContain(`reads      10 ${"█".repeat(4)} `);
    expect(lines[1]).toContain(`reads      30 ${"█".repeat(12)} `);
    expect(lines[3]).toContain("back, and says it is the master");
  });

  it("every line of a frame fits the terminal", () => {
    const frame = renderView(
      {
        subtitle: "x".repeat(200),
        elapsedMs: 1234,
        nodes: [node("127.0.0.1:1", "down")],
        scenes: [{ title: "t".repeat(200), state: "failed", lines: ["l".repeat(200)] }],
      },
      60,
    );
    for (const line of frame) expect(bare(line).length).toBeLessThanOrEqual(60);
  });
});
