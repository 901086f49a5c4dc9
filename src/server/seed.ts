import { deferred } from "../core/deferred.js";
import type { Run } from "./server-state.js";

/** Milliseconds within which a server that is seeded from another must have its dataset. */
const SEED_MS = 60_000;

/**
 * Replicates once from a server that runs, and stands alone then.
 * @param from `redis://[user:password@]host[:port]`; `rediss://` for TLS, with the certificates of this server's own settings
 * @param watchers called whenever something happened to the server
 */
export async function seedFromRunning(
  { core, replication }: Run,
  from: string,
  watchers: Set<() => void>,
): Promise<void> {
  const url = new URL(from);
  if (url.protocol !== "redis:" && url.protocol !== "rediss:")
    throw new Error(`seedFrom takes a redis:// or rediss:// URL, not ${url.protocol}//`);
  const names = ["masteruser", "masterauth", "tls-replication"] as const;
  const own = names.map((name) => core.config.text(name));
  core.config.load("masteruser", decodeURIComponent(url.username));
  core.config.load("masterauth", decodeURIComponent(url.password));
  core.config.load("tls-replication", url.protocol === "rediss:" ? "yes" : "no");
  if (url.protocol === "rediss:") core.tls.ensure();
  const synced = deferred<void>();
  const check = (): void => {
    if (replication.link?.state === "connected") synced.resolve();
  };
  const timer = core.clock.setTimer(
    () => synced.reject(new Error(`no dataset came from ${url.host}: ${replication.link?.state ?? "no link"}`)),
    SEED_MS,
  );
  watchers.add(check);
  try {
    replication.follow(url.hostname.replace(/^\[|\]$/g, ""), Number(url.port || 6379), true);
    await synced.promise;
    replication.promote();
  } finally {
    core.clock.clearTimer(timer);
    watchers.delete(check);
    names.forEach((name, i) => core.config.load(name, own[i] as string));
  }
}
