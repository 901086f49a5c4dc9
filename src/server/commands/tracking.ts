import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply, MapReply, OK, SetReply } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors, fail } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { overlap, type TrackingOptions, trackingFlags } from "../tracking/client-tracking.js";
import { isWord, longArg } from "./support/arguments.js";

/** CLIENT TRACKING and its companions. https://redis.io/docs/latest/develop/reference/client-side-caching/ */
export const trackingCommands: CommandGroup = {
  "client|tracking": tracking,
  "client|trackinginfo": info,
  "client|getredir": (ctx) => ctx.client.tracking?.redirect ?? -1,
  "client|caching": caching,
};

const TWO_REDIRECTS = new ErrorReply("ERR A client can only redirect to a single other client");
const NO_SUCH_REDIRECT = new ErrorReply("ERR The client ID you want redirect to does not exist");
const PREFIX_WITHOUT_BCAST = new ErrorReply("ERR PREFIX option requires BCAST mode to be enabled");
const BCAST_SWITCHED = new ErrorReply(
  "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.",
);
const OPT_WITH_BCAST = new ErrorReply("ERR OPTIN and OPTOUT are not compatible with BCAST");
const BOTH_OPTS = new ErrorReply("ERR You can't specify both OPTIN mode and OPTOUT mode");
const OPT_SWITCHED = new ErrorReply(
  "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.",
);
const CACHING_WITHOUT_TRACKING = new ErrorReply(
  "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
);
const CACHING_YES = new ErrorReply("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
const CACHING_NO = new ErrorReply("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");

function parse(ctx: CommandContext, args: readonly Bytes[]): { options: TrackingOptions; prefixes: Bytes[] } {
  const options = { redirect: 0, broadcast: false, optIn: false, optOut: false, noLoop: false };
  const prefixes: Bytes[] = [];
  for (let i = 3; i < args.length; i++) {
    const next = args[i + 1];
    if (isWord(args[i], "redirect") && next !== undefined) {
      if (options.redirect !== 0) fail(TWO_REDIRECTS);
      options.redirect = longArg(next);
      if (!ctx.server.clients.has(options.redirect)) fail(NO_SUCH_REDIRECT);
      i++;
    } else if (isWord(args[i], "bcast")) options.broadcast = true;
    else if (isWord(args[i], "optin")) options.optIn = true;
    else if (isWord(args[i], "optout")) options.optOut = true;
    else if (isWord(args[i], "noloop")) options.noLoop = true;
    else if (isWord(args[i], "prefix") && next !== undefined) {
      prefixes.push(next);
      i++;
    } else fail(errors.syntax);
  }
  return { options, prefixes };
}

function tracking(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const { options, prefixes } = parse(ctx, args);
  if (isWord(args[2], "on")) {
    checkOptions(ctx, options, prefixes);
    ctx.server.tracking.enable(ctx.client, options, prefixes);
    return OK;
  }
  if (!isWord(args[2], "off")) return errors.syntax;
  ctx.server.tracking.disable(ctx.client);
  return OK;
}

/** The options must agree with each other and with what the client is doing already. */
function checkOptions(ctx: CommandContext, options: TrackingOptions, prefixes: readonly Bytes[]): void {
  const now = ctx.client.tracking;
  if (!options.broadcast && prefixes.length > 0) fail(PREFIX_WITHOUT_BCAST);
  if (now !== null && now.broadcast !== options.broadcast) fail(BCAST_SWITCHED);
  if (options.broadcast && (options.optIn || options.optOut)) fail(OPT_WITH_BCAST);
  if (options.optIn && options.optOut) fail(BOTH_OPTS);
  if ((options.optIn && now?.optOut) || (options.optOut && now?.optIn)) fail(OPT_SWITCHED);
  if (!options.broadcast) return;
  for (const [i, prefix] of prefixes.entries()) {
    const taken = overlap([prefix], now?.prefixes ?? []);
    if (taken !== null) failOverlap("an existing", taken);
    const twice = overlap([prefix], prefixes.slice(i + 1));
    if (twice !== null) failOverlap("another provided", twice);
  }
}

function failOverlap(what: string, [prefix, other]: readonly [Bytes, Bytes]): never {
  return fail(
    `ERR Prefix '${prefix}' overlaps with ${what} prefix '${other}'. Prefixes for a single client must not overlap.`,
  );
}

function info(ctx: CommandContext): Reply {
  const now = ctx.client.tracking;
  return new MapReply([
    ["flags", new SetReply(trackingFlags(now))],
    ["redirect", now?.redirect ?? -1],
    ["prefixes", [...(now?.prefixes ?? [])].sort()],
  ]);
}

function caching(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const now = ctx.client.tracking;
  if (now === null) return CACHING_WITHOUT_TRACKING;
  if (isWord(args[2], "yes")) {
    if (!now.optIn) return CACHING_YES;
  } else if (isWord(args[2], "no")) {
    if (!now.optOut) return CACHING_NO;
  } else return errors.syntax;
  now.caching = true;
  return OK;
}
