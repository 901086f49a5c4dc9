import type { ServerCore } from "../server-core.js";
import type { Endpoints } from "./connection.js";

const MAX_CLIENTS = "-ERR max number of clients reached\r\n";
const PROTECTED =
  "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. " +
  "Only connections from the loopback interface are accepted.\r\n";

/** Why a connection is not let in, as Redis tells the peer; null = it is. Asked once for each: a fault may count it. */
export function refusalOf(core: ServerCore, endpoints: Endpoints): string | null {
  if (core.clients.size >= core.config.number("maxclients")) return MAX_CLIENTS;
  if (isProtectedFrom(core, endpoints)) return PROTECTED;
  return core.faults?.refuses() ?? null;
}

function isProtectedFrom({ config, acl }: ServerCore, { peer, unixPath }: Endpoints): boolean {
  if (!config.flag("protected-mode") || !acl.defaultUser.noPassword || unixPath !== undefined) return false;
  const { host } = peer;
  return !(host === "::1" || host.startsWith("127.") || host.startsWith("::ffff:127."));
}
