import { type Bytes, ErrorReply, NO_REPLY, OK, type Reply, SimpleString } from "../../protocol/resp/reply.js";
import { splitArguments } from "../../protocol/resp/split-arguments.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors, fail } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import type { Replication } from "../replication/replication.js";
import { clientLine } from "./support/client-line.js";
import { parseInteger, parseIntegerWithin } from "./support/integer.js";

/** Commands of replication, for the server whose part in it `of()` gives. */
export function replicationCommands(of: () => Replication): CommandGroup {
  return {
    replicaof: (ctx, args) => replicaof(of(), ctx, args),
    slaveof: (ctx, args) => replicaof(of(), ctx, args),
    psync: (ctx, args) => psync(of(), ctx, args),
    sync: (ctx, args) => sync(of(), ctx, args.slice(0, 1)),
    replconf: (ctx, args) => replconf(of(), ctx, args),
    role: () => role(of()),
    wait: (ctx, args) => wait(of(), ctx, args),
    failover: (_ctx, args) => failover(of(), args),
  };
}

/** REPLICAOF host port | NO ONE */
function replicaof(replication: Replication, ctx: CommandContext, args: readonly Bytes[]): Reply {
  if (replication.failoverState !== "no-failover")
    return new ErrorReply("ERR REPLICAOF not allowed while failing over.");
  const [, host, portText] = args as readonly [Bytes, Bytes, Bytes];
  const by = (): string => `user request from '${clientLine(ctx.server, ctx.client)}'`;
  if (host.toLowerCase() === "no" && portText.toLowerCase() === "one") {
    replication.promote(by());
    return OK;
  }
  if (ctx.client.isReplica) return new ErrorReply("ERR Command is not valid when client is a replica.");
  const port = parseIntegerWithin(portText, 0, 65535);
  if (port === undefined) return new ErrorReply("ERR Invalid master port");
  if (!replication.follow(host, port)) {
    ctx.server.log(
      "notice",
      "REPLICAOF would result into synchronization with the master we are already connected with. No operation performed.",
    );
    return new SimpleString("OK Already connected to specified master");
  }
  ctx.server.log("notice", `REPLICAOF ${host}:${port} enabled (${by()})`);
  return OK;
}

/** PSYNC replid offset [FAILOVER] */
function psync(replication: Replication, ctx: CommandContext, args: readonly Bytes[]): Reply {
  const { client, server } = ctx;
  if (client.isReplica) return NO_REPLY;
  const replid = args[1] as Bytes;
  if (args[3]?.toLowerCase() === "failover") {
    // The master that this replica follows hands over: it has stopped writing and asks to follow in its turn.
    server.log("warning", `Failover request received for replid ${replid}.`);
    if (replication.role === "master") return new ErrorReply("ERR PSYNC FAILOVER can't be sent to a master.");
    if (replid.toLowerCase() !== replication.out.replid.toLowerCase()) {
      return new ErrorReply("ERR PSYNC FAILOVER replid must match my replid.");
    }
    replication.promote(`failover request from '${clientLine(server, client)}'`);
  }
  return sync(replication, ctx, args);
}

/** SYNC, and the rest of PSYNC. */
function sync(replication: Replication, { client, server }: CommandContext, args: readonly Bytes[]): Reply {
  if (client.isReplica) return NO_REPLY;
  if (replication.failoverState !== "no-failover") {
    return new ErrorReply("NOMASTERLINK Can't SYNC while failing over");
  }
  if (replication.link && replication.link.state !== "connected") {
    return new ErrorReply("NOMASTERLINK Can't SYNC while not connected with my master");
  }
  // The payload is raw: a reply still on its way would be taken for a part of it.
  if ((client.connection?.backlogBytes ?? 0) > 0)
    return new ErrorReply("ERR SYNC and PSYNC are invalid with pending output");
  const { withoutData, withoutFunctions, capaEof } = replication.replicas.introduction(client);
  if ((withoutData || withoutFunctions) && !capaEof)
    return new ErrorReply("ERR Filtered replica requires EOF capability");
  if (args.length < 3) return replication.sync(client, null);
  const offset = parseInteger(args[2] as Bytes);
  if (offset === undefined) {
    const name = replication.replicas.nameOf(client);
    server.log("warning", `Replica ${name} asks for synchronization but with a wrong offset`);
    return errors.notInteger;
  }
  return replication.sync(client, { replid: args[1] as Bytes, offset: Number(offset) });
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
        introduction.announceIp = value;
        break;
      case "capa":
        // What is not known here is no reason to refuse: a newer replica offers more.
        if (value.toLowerCase() === "eof") introduction.capaEof = true;
        else if (value.toLowerCase() === "psync2") introduction.capaPsync2 = true;
        break;
      case "ack": {
        const offset = parseInteger(value);
        if (client.isReplica && typeof offset === "number") replication.acknowledged(client, offset);
        return NO_REPLY;
      }
      case "getack":
        // A master's question comes down the stream; whoever asks here makes this server tell its master now.
        replication.tellOffset();
        return NO_REPLY;
      case "rdb-only":
        introduction.rdbOnly = rdbOnly(value);
        break;
      case "rdb-filter-only": {
        const filters = splitArguments(value) ?? fail(new ErrorReply("ERR Missing rdb-filter-only values"));
        introduction.withoutData = introduction.withoutFunctions = true;
        for (const filter of filters) {
          if (filter.toLowerCase() !== "functions")
            return new ErrorReply(`ERR Unsupported rdb-filter-only option: ${filter}`);
          introduction.withoutFunctions = false;
        }
        break;
      }
      default:
        return new ErrorReply(`ERR Unrecognized REPLCONF option: ${args[i] as Bytes}`);
    }
  }
  return OK;
}

function rdbOnly(value: Bytes): boolean {
  const number = parseInteger(value);
  if (number === undefined) fail(errors.notInteger);
  if (number !== 0 && number !== 1) fail(new ErrorReply("ERR value is out of range, value must between 0 and 1"));
  return number === 1;
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

/** FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds] */
function failover(replication: Replication, args: readonly Bytes[]): Reply {
  let to: { host: string; port: number } | null = null;
  let force = false;
  let abort = false;
  let timeoutMs: number | null = null;
  for (let i = 1; i < args.length; i++) {
    const word = (args[i] as Bytes).toLowerCase();
    if (word === "timeout" && i + 1 < args.length && timeoutMs === null) {
      timeoutMs =
        parseIntegerWithin(args[++i] as Bytes, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) ??
        fail(errors.notInteger);
      if (timeoutMs <= 0) return new ErrorReply("ERR FAILOVER timeout must be greater than 0");
    } else if (word === "abort" && args.length === 2) abort = true;
    else if (word === "to" && i + 2 < args.length && !to) {
      const port =
        parseIntegerWithin(args[i + 2] as Bytes, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) ??
        fail(errors.notInteger);
      to = { host: args[i + 1] as Bytes, port };
      i += 2;
    } else if (word === "force" && !force) force = true;
    else return errors.syntax;
  }
  if (abort) return replication.abortFailover() ? OK : new ErrorReply("ERR No failover in progress.");
  if (replication.failoverState !== "no-failover") return new ErrorReply("ERR FAILOVER already in progress.");
  if (replication.role === "replica") return new ErrorReply("ERR FAILOVER is not valid when server is a replica.");
  if (replication.connectedReplicas === 0) return new ErrorReply("ERR FAILOVER requires connected replicas.");
  if (force && (timeoutMs === null || !to)) {
    return new ErrorReply("ERR FAILOVER with force option requires both a timeout and target HOST and IP.");
  }
  return replication.failover({ to, force, timeoutMs: timeoutMs ?? 0 }) ?? OK;
}
