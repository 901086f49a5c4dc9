import { type Bytes, ErrorReply, NO_REPLY, OK, type Reply, SimpleString } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors, fail } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import type { Replication } from "../replication/replication.js";
import { parseInteger, parseIntegerWithin } from "./support/integer.js";

/** Commands of replication, for the server whose part in it `of()` gives. */
export function replicationCommands(of: () => Replication): CommandGroup {
  return {
    replicaof: (ctx, args) => replicaof(of(), ctx, args),
    slaveof: (ctx, args) => replicaof(of(), ctx, args),
    psync: (ctx, args) => psync(of(), ctx, args),
    sync: (ctx) => sync(of(), ctx, null),
    replconf: (ctx, args) => replconf(of(), ctx, args),
    role: () => role(of()),
    wait: (ctx, args) => wait(of(), ctx, args),
  };
}

/** REPLICAOF host port | NO ONE */
function replicaof(replication: Replication, ctx: CommandContext, args: readonly Bytes[]): Reply {
  const [, host, portText] = args as readonly [Bytes, Bytes, Bytes];
  if (host.toLowerCase() === "no" && portText.toLowerCase() === "one") {
    replication.promote();
    return OK;
  }
  if (ctx.client.isReplica) return new ErrorReply("ERR Command is not valid when client is a replica.");
  const port = parseIntegerWithin(portText, 0, 65535);
  if (port === undefined) return new ErrorReply("ERR Invalid master port");
  if (!replication.follow(host, port)) return new SimpleString("OK Already connected to specified master");
  return OK;
}

/** PSYNC replid offset [FAILOVER] */
function psync(replication: Replication, ctx: CommandContext, args: readonly Bytes[]): Reply {
  const offset = parseInteger(args[2] as Bytes);
  if (typeof offset !== "number") fail(errors.notInteger);
  return sync(replication, ctx, { replid: args[1] as Bytes, offset });
}

function sync(
  replication: Replication,
  { client }: CommandContext,
  request: { replid: Bytes; offset: number } | null,
): Reply {
  // The payload is raw: a reply still on its way would be taken for a part of it.
  if ((client.connection?.backlogBytes ?? 0) > 0)
    return new ErrorReply("ERR SYNC and PSYNC are invalid with pending output");
  return replication.sync(client, request);
}

/** REPLCONF name value [name value …]. ACK gets no answer. */
function replconf(replication: Replication, { client }: CommandContext, args: readonly Bytes[]): Reply {
  if (args.length % 2 === 0) return errors.syntax;
  const introduction = replication.replicas.introduction(client);
  for (let i = 1; i < args.length; i += 2) {
    const name = (args[i] as Bytes).toLowerCase();
    const value = args[i + 1] as Bytes;
    switch (name) {
      case "listening-port":
        introduction.listeningPort = parseIntegerWithin(value, -(2 ** 31), 2 ** 31 - 1) ?? fail(errors.notInteger);
        break;
      case "ip-address":
        if (value.length > 255) {
          return new ErrorReply(
            `ERR REPLCONF ip-address provided by replica instance is too long: ${value.length} bytes`,
          );
        }
        introduction.announceIp = value === "" ? null : value;
        break;
      case "capa":
        // What a replica can take beyond the plain form is not used: that form is read by all.
        break;
      case "ack": {
        const offset = parseInteger(value);
        if (client.isReplica && typeof offset === "number") replication.acknowledged(client, offset);
        return NO_REPLY;
      }
      case "getack":
        // A master's question comes down the stream; here nobody may ask.
        return NO_REPLY;
      case "rdb-only":
        introduction.rdbOnly = (parseIntegerWithin(value, 0, 1) ?? fail(errors.notInteger)) === 1;
        break;
      default:
        return new ErrorReply(`ERR Unrecognized REPLCONF option: ${args[i] as Bytes}`);
    }
  }
  return OK;
}

/** ROLE */
function role(replication: Replication): Reply {
  const { link, offset } = replication;
  if (!link) {
    const online = [...replication.replicas].filter((replica) => replica.state === "online");
    return ["master", offset, online.map(({ ip, port, ackOffset }) => [ip, String(port), String(ackOffset)])];
  }
  return ["slave", link.host, link.port, link.state, link.state === "connected" ? offset : -1];
}

/** WAIT numreplicas timeout */
function wait(replication: Replication, ctx: CommandContext, args: readonly Bytes[]): Reply {
  if (replication.role === "replica") {
    return new ErrorReply(
      "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be writable (which is not the default) writes to replicas are just local and are not propagated.",
    );
  }
  const wanted =
    parseIntegerWithin(args[1] as Bytes, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) ?? fail(errors.notInteger);
  const timeoutMs = parseIntegerWithin(args[2] as Bytes, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  if (timeoutMs === undefined) return new ErrorReply("ERR timeout is not an integer or out of range");
  if (timeoutMs < 0) return errors.timeoutNegative;
  return replication.wait(ctx.client, wanted, timeoutMs);
}
