import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply, MapReply, NO_REPLY, OK } from "../../protocol/resp/reply.js";
import { findDirective } from "../config/config.js";
import type { Directive } from "../config/directives.js";
import { directives } from "../config/directives.js";
import { shownEventClasses } from "../config/parse-special.js";
import { parseValue } from "../config/parse-value.js";
import { rewriteConfig } from "../config/rewrite.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors } from "../dispatch/errors.js";
import { isLocal } from "../dispatch/refusals.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { systemText } from "../system-text.js";
import { globMatch } from "./support/glob.js";
import { helpText } from "./support/help.js";

/** CONFIG. https://redis.io/docs/latest/commands/?group=server */
export const configurationCommands: CommandGroup = {
  "config|get": get,
  "config|set": set,
  "config|resetstat": resetStat,
  "config|rewrite": (ctx) => rewriteFile(ctx, false),
  "config|help": () => helpText("config"),
};

const NO_FILE = new ErrorReply("ERR The server is running without a config file");

function get(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const found = new Map<Bytes, Bytes>();
  for (const pattern of args.slice(2)) {
    // A plain name is answered in the letter case it was asked in, one that is hidden too.
    const exact = findDirective(pattern);
    if (exact !== undefined) {
      if (![...found.keys()].some((name) => name.toLowerCase() === pattern.toLowerCase())) {
        found.set(pattern, shown(ctx, exact));
      }
      continue;
    }
    if (!/[*?[\\]/.test(pattern)) continue;
    for (const directive of directives) {
      if (directive.hidden === true) continue;
      for (const name of directive.alias === undefined ? [directive.name] : [directive.name, directive.alias]) {
        if (globMatch(pattern, name, true) && !found.has(name)) found.set(name, shown(ctx, directive));
      }
    }
  }
  return new MapReply([...found]);
}

function shown(ctx: CommandContext, directive: Directive): Bytes {
  // The port that was asked for may have been 0, for any; what counts is where the server is.
  if (directive.name === "port" && ctx.server.port !== 0) return String(ctx.server.port);
  if (directive.name === "tls-port" && ctx.server.tlsPort !== 0) return String(ctx.server.tlsPort);
  if (directive.name === "replicaof") return masterShown(ctx) ?? ctx.server.config.text("replicaof");
  const value = ctx.server.config.text(directive.name);
  return directive.name === "notify-keyspace-events" ? shownEventClasses(value) : value;
}

/** The present master as `host port`, by what INFO says of it; null if it says nothing. */
function masterShown(ctx: CommandContext): Bytes | null {
  const lines = ctx.server.replication.infoReplication();
  const value = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1);
  if (ctx.server.replication.role === "master") return "";
  const host = value("master_host");
  return host === undefined ? null : `${host} ${value("master_port")}`;
}

function refusal(name: Bytes, reason: string): ErrorReply {
  return new ErrorReply(`ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`);
}

/** All or nothing: everything is checked before anything is changed, and taken back if a change can't take effect. */
function set(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const { config } = ctx.server;
  if (args.length % 2 !== 0) return errors.syntax;
  const changes = checkedChanges(ctx, args);
  if (changes instanceof ErrorReply) return changes;
  const { appliers, undo } = config.stage(changes);
  const done = (): Reply => {
    config.tell(changes.map(([directive]) => directive.name));
    return OK;
  };
  const failed = async (name: string, reason: string): Promise<Reply> => {
    const text = `Failed applying new configuration. Possibly related to new ${name} setting. Restoring previous settings.`;
    ctx.server.log("warning", text);
    undo();
    for (const applier of appliers) await applier.run();
    return refusal(name, reason);
  };
  for (let i = 0; i < appliers.length; i++) {
    const { name, run } = appliers[i] as (typeof appliers)[number];
    const result = run();
    if (result === null) continue;
    const rest = async (): Promise<Reply> => {
      let reason = await result;
      let at = i;
      while (reason === null && ++at < appliers.length) reason = await (appliers[at]?.run() ?? null);
      return reason === null ? done() : failed(appliers[at]?.name ?? name, reason);
    };
    return later(ctx, rest());
  }
  return done();
}

/** Answers when `reply` is there; where nothing may wait (MULTI), at once, since the change is under way. */
function later(ctx: CommandContext, reply: Promise<Reply>): Reply {
  const parked = ctx.block({ keys: [], timeoutMs: 0, timeoutReply: () => OK, retry: () => null });
  void reply.then((answer) => {
    if (parked === NO_REPLY) ctx.server.blocking.unblock(ctx.client, answer);
  });
  return parked;
}

function checkedChanges(ctx: CommandContext, args: readonly Bytes[]): (readonly [Directive, string])[] | ErrorReply {
  const { config } = ctx.server;
  const named: { readonly directive: Directive; readonly text: Bytes }[] = [];
  for (let i = 2; i < args.length; i += 2) {
    const name = args[i] as Bytes;
    const directive = findDirective(name);
    if (directive === undefined)
      return new ErrorReply(`ERR Unknown option or number of arguments for CONFIG SET - '${name}'`);
    if (directive.immutable === true) return refusal(name, "can't set immutable config");
    if (directive.guarded === true) {
      const allowed = config.text("enable-protected-configs");
      if (!(allowed === "yes" || (allowed === "local" && isLocal(ctx.client))))
        return refusal(name, "can't set protected config");
    }
    const { replication, loader } = ctx.server;
    if (directive.denyLoading === true && (replication.loading || loader.loadingAside)) return errors.loading;
    if (named.some((other) => other.directive === directive)) return refusal(name, "duplicate parameter");
    named.push({ directive, text: args[i + 1] as Bytes });
  }
  const changes: (readonly [Directive, string])[] = [];
  for (const { directive, text } of named) {
    const parsed = parseValue(directive, text, config.text(directive.name));
    if ("error" in parsed) return refusal(directive.name, parsed.error);
    changes.push([directive, parsed.value]);
  }
  return changes;
}

function resetStat(ctx: CommandContext): Reply {
  const { server } = ctx;
  server.stats.reset();
  server.traffic.reset();
  server.replication.resetStats();
  server.commands.resetStats();
  server.memory.evictedKeys = server.memory.evictedClients = 0;
  server.keyspace.hits = server.keyspace.misses = server.keyspace.expiredKeys = 0;
  return OK;
}

/** CONFIG REWRITE; `all`: the defaults are spelt out too. */
export function rewriteFile(ctx: CommandContext, all: boolean): Reply {
  const { config, log } = ctx.server;
  if (config.file === null) return NO_FILE;
  try {
    const users = config.text("aclfile") === "" ? ctx.server.acl.lines() : [];
    rewriteConfig(config, config.file, masterShown(ctx) ?? "", { all, others: new Map([["user", users]]) });
  } catch (error) {
    const reason = systemText(error);
    log("warning", `CONFIG REWRITE failed: ${reason}`);
    return new ErrorReply(`ERR Rewriting config file: ${reason}`);
  }
  log("warning", "CONFIG REWRITE executed with success.");
  return OK;
}
