import type { Instance } from "./instance.js";
import { SentinelLink } from "./link.js";
import type { MonitorContext, MonitorSettings } from "./monitor-context.js";

/** A connection to an instance, with the password that its kind wants, under a name that tells whose it is. */
export function openLink(
  { transport, clock, myId, sentinelPassword }: MonitorContext,
  { username, password }: MonitorSettings,
  instance: Instance,
  use: "cmd" | "pubsub",
): SentinelLink {
  const isPeer = instance.kind === "sentinel";
  const secret = isPeer ? sentinelPassword : password;
  return new SentinelLink({
    transport,
    clock,
    host: instance.host,
    port: instance.port,
    ...(secret === undefined ? {} : { password: secret }),
    ...(isPeer || username === undefined ? {} : { username }),
    name: `sentinel-${myId.slice(0, 8)}-${use}`,
  });
}
