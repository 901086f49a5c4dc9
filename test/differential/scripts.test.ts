import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeReal } from "../support/real-redis.js";
import { readScript, runScript } from "./support/script.js";
import { Pair } from "./support/servers.js";

const groups = [
  "bitmaps",
  "sort-lcs",
  "streams",
  "hyperloglog",
  "geo",
  ...["strings", "generic", "expiry", "hashes", "lists", "sets", "sorted-sets", "blocking"],
  ...["transactions", "pubsub", "connection", "introspection", "acl", "tracking", "debug"],
  "replication",
  ...["scripting", "functions"],
];

describeReal("the dev server and a real one answer the same, byte by byte", () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await Pair.start();
  });
  afterAll(() => pair?.stop());

  describe.each([2, 3] as const)("in RESP%i", (resp) => {
    it.each(groups)("%s", async (group) => {
      const differences = await runScript(pair, readScript(group), resp);
      expect(differences.join("\n")).toBe("");
    });
  });
});
