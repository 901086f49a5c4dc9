import { expect } from "vitest";
import type { DevServer } from "../../../src/server/index.js";
import { eventually } from "../../support/eventually.js";
import { type RedisProcess, respCall } from "../../support/real-redis.js";

/** A server of either kind, asked over its port alone. */
export type Node = DevServer | RedisProcess;

/** One command on a connection of its own. */
export async function ask(node: Node, ...words: (string | number)[]): Promise<unknown> {
  const [reply] = await respCall({ host: "127.0.0.1", port: node.port }, [words], 5000);
  return reply;
}

/** Fields of INFO. */
export async function info(node: Node, section = "replication"): Promise<Map<string, string>> {
  const text = String(await ask(node, "INFO", section));
  const fields = text.split("\r\n").filter((line) => line.includes(":"));
  return new Map(fields.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]));
}

/** DEBUG DIGEST. */
export async function digest(node: Node): Promise<string> {
  return "digest" in node ? node.digest() : String(await node.command("DEBUG", "DIGEST"));
}

/**
 * Waits until each replica follows, has the master's history and offset, and the same data. All of it is looked at again
 * and again: a key may expire between two looks.
 */
export async function expectEqual(master: Node, ...replicas: readonly Node[]): Promise<void> {
  await eventually(async () => {
    const first = await info(master);
    for (const replica of replicas) {
      const fields = await info(replica);
      expect(fields.get("master_link_status")).toBe("up");
      expect(fields.get("master_replid")).toBe(first.get("master_replid"));
      expect(fields.get("slave_repl_offset")).toBe(first.get("master_repl_offset"));
    }
    const expected = await digest(master);
    for (const replica of replicas) expect(await digest(replica)).toBe(expected);
  });
}

/** A real server logs this when its master sent it something that it could not run. */
export function expectNoComplaint(...servers: readonly RedisProcess[]): void {
  for (const server of servers) expect(server.log()).not.toMatch(/== CRITICAL ==|Protocol error|BUG REPORT/);
}
