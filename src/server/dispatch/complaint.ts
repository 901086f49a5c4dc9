import type { ErrorReply } from "../../protocol/resp/reply.js";
import { clientLine } from "../commands/support/client-line.js";
import type { ServerCore } from "../server-core.js";
import type { Client } from "./client.js";

/** What Redis prints of an error at most. */
const LONGEST = 4096;

/**
 * An error on a replication link means that the two ends no longer have the same data, or soon won't. Redis says so in
 * words that operators and tests look for.
 * @param name the command, null if there is none of that name
 */
export function complainOfLink(server: ServerCore, client: Client, error: ErrorReply, name: string | null): void {
  const [from, to] = client.isMasterLink ? ["replica", "master"] : ["master", "replica"];
  const text = error.text.startsWith("ERR ") ? error.text.slice(4) : `-${error.text}`;
  server.log(
    "warning",
    `== CRITICAL == This ${from} is sending an error to its ${to}: '${text.slice(0, LONGEST)}' after processing the command '${name ?? "<unknown>"}'`,
  );
  server.stats.unexpectedErrors++;
}

/**
 * A replica has sent what is answered. The answer would be taken for a part of the stream: it is not sent, and the link is
 * closed.
 */
export function dropTalkingReplica(server: ServerCore, client: Client, name: string | null): void {
  const who = clientLine(server, client);
  server.log("warning", `Replica generated a reply to command '${name ?? "NULL"}', disconnecting it: ${who}`);
  client.closing = true;
}
