import type { Replica } from "./replication/replicas.js";
import type { Run } from "./server-state.js";

/** What keeps a server from being in sync with a master, in a few words; null if nothing does. */
export function lagOf(own: Run | null, master: Run | null): string | null {
  if (own === null) return "not running";
  if (master === null) return "the master is not running";
  const [mine, its] = [own.replication, master.replication];
  const { link } = mine;
  if (link === null) return "no replica";
  const where = `${link.state} to ${link.host}:${link.port}`;
  if (link.state !== "connected") return where;
  const listed = [...its.replicas].find((replica) => isThat(replica, own));
  if (listed === undefined) return `${where}, not among the master's replicas`;
  if (listed.state !== "online") return `${where}, ${listed.state} for the master`;
  if (mine.out.replid !== its.out.replid) return `${where}, in another history`;
  return mine.offset < its.offset ? `${where}, at offset ${mine.offset} of ${its.offset}` : null;
}

/**
 * Whether an entry of a master's list is this server. It is by its connection; where there is something between the two, by the
 * port that it announces. By which host and port the master is reached says nothing: it may have several, and names.
 */
function isThat({ client, port }: Replica, { core, replication }: Run): boolean {
  const there = client.connection?.endpoints.peer;
  const here = core.masterClient.masterConnection?.endpoints.local;
  const same =
    there !== undefined && here !== undefined && there.port === here.port && plain(there.host) === plain(here.host);
  return same || port === replication.settings.announcedPort;
}

const plain = (host: string): string => host.replace(/^::ffff:/, "");
