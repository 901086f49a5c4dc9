import { describe, expect, it } from "vitest";
import { LinkTable } from "../../../../src/client/consistency/history.js";
import { resolveOptions } from "../../../../src/client/options.js";
import { detach } from "../../../../src/client/topology/adopt.js";
import { openDraft } from "../../../../src/client/topology/draft.js";
import { initialTopology, reduce } from "../../../../src/client/topology/reduce.js";

const hosts = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ host: `10.0.${i >> 8}.${i & 255}`, port: 1 }));
const state = () => initialTopology(resolveOptions("seed:1"), [{ id: "seed:1", host: "seed", port: 1 }]);

describe("what others say fills no memory", () => {
  it("of a name's addresses 64 are nodes", () => {
    const { state: after } = reduce(state(), { type: "lookup", at: 1, name: "seed:1", addresses: hosts(1000) });
    expect(after.nodes.size).toBe(64);
    expect(after.names.get("seed:1")).toHaveLength(64);
  });

  it("of the nodes that a Sentinel lists 256 are", () => {
    const [master, ...replicas] = hosts(1000);
    const { state: after } = reduce(state(), {
      type: "sentinel",
      at: 1,
      sentinel: "s:1",
      master: master as { host: string; port: number },
      replicas,
    });
    expect(after.nodes.size).toBe(256);
  });

  it("of histories that were left the newest 64 are remembered", () => {
    const draft = openDraft(state(), 1);
    for (let i = 0; i < 100; i++) detach(draft, `history ${i}`, "seed:1");
    expect(draft.detached.size).toBe(64);
    expect(draft.detached.has("history 99")).toBe(true);
  });

  it("of links between histories too", () => {
    const links = new LinkTable();
    for (let i = 0; i < 100; i++) links.add({ from: `h${i}`, to: `h${i + 1}`, at: i });
    expect(links.size).toBe(64);
    expect(links.forkOf("h99", "h100")).toBe(99);
  });
});
