import type { Replica } from "./replicas.js";
import type { StreamOut } from "./stream-out.js";

/** Bytes that may wait in a replica's connection; the rest of the stream waits in the backlog, once for all replicas. */
const AHEAD_BYTES = 256 * 1024;

/** Gives a replica the stream from where it is, as fast as it takes it. */
export function feedReplica(out: StreamOut, replica: Replica): void {
  const { connection } = replica.client;
  if (replica.next === null || replica.sync !== null || !connection || connection.closed) return;
  for (;;) {
    let given = false;
    while (connection.backlogBytes < AHEAD_BYTES) {
      const bytes = out.read(replica.next);
      // What was fed in this turn is not in the backlog yet: it is delivered when the turn ends.
      if (bytes.length === 0) break;
      given = true;
      replica.next += bytes.length;
      connection.write(bytes);
    }
    connection.flush();
    if (connection.backlogBytes >= AHEAD_BYTES) {
      connection.onRoom = () => feedReplica(out, replica);
      return;
    }
    // A stream that has taken it all at once never tells that it has room again.
    if (!given) return;
  }
}

/** Bytes of the stream that wait for a replica, in the backlog and in its connection. */
export function waitingBytes(out: StreamOut, replica: Replica): number {
  const behind = replica.next === null ? 0 : out.offset + 1 - replica.next;
  // A payload on its way is no output of the stream.
  return behind + (replica.sync === null ? (replica.client.connection?.backlogBytes ?? 0) : 0);
}
