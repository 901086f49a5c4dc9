import type { ReplicatedClient } from "ioreplica";
import { afterEach, expect } from "vitest";
import { Trio } from "../../support/trio.js";

/** Gives a test real servers of its own; they end with it. */
export function useTrios(): { open(args?: readonly string[]): Promise<Trio>; end(end: () => unknown): void } {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  return {
    async open(args) {
      const trio = await Trio.start(args);
      ends.push(() => trio.stop());
      return trio;
    },
    end(end) {
      ends.push(end);
    },
  };
}

/** How often each command was refused by this server before it ran, as it counted itself. */
export async function rejections(
  server: { info(section: string): Promise<Map<string, string>> },
  command: string,
): Promise<number> {
  const line = (await server.info("commandstats")).get(`cmdstat_${command}`) ?? "";
  return Number(/rejected_calls=(\d+)/.exec(line)?.[1] ?? 0);
}

/** Connections that this server has accepted since it began, whatever became of them. */
export async function connectionsTo(server: { info(section: string): Promise<Map<string, string>> }): Promise<number> {
  return Number((await server.info("stats")).get("total_connections_received"));
}

/** What a call rejects with; fails the test if it resolves. */
export async function failure(
  call: Promise<unknown>,
): Promise<Error & { code?: string; sent?: string; node?: string }> {
  const outcome = await call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ("error" in outcome) return outcome.error as Error & { code?: string };
  throw new Error(`it resolved, with ${JSON.stringify(outcome.value)}`);
}

/** Calls of every kind reject for want of a master, for this reason; one that waits for one lasts `failoverTimeoutMs`. */
export async function allReject(redis: ReplicatedClient, reason: RegExp): Promise<void> {
  for (const call of [
    () => redis.set("k", "v"),
    () => redis.get("k"),
    () => redis.connect(),
    () => redis.blpop("l", 0),
  ]) {
    const error = await failure(call());
    expect(error.code).toBe("IOREPLICA_NO_MASTER");
    expect(error.message).toMatch(reason);
  }
}

/** A node's health, as the client sees it. */
export function healthOf(redis: ReplicatedClient, node: { readonly id: string }): string {
  return redis.topology.nodes.find(({ id }) => id === node.id)?.health ?? "unknown";
}
