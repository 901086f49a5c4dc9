import { type Bytes, NULL_ARRAY, type Reply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import { errors, fail } from "../../dispatch/errors.js";
import type { CommandGroup } from "../../dispatch/registry.js";
import { zadd } from "../sorted-sets/members.js";
import { arg, isWord } from "../support/arguments.js";
import { distanceM } from "./area.js";
import { distanceText, placeArg, placeReply, unitArg } from "./arguments.js";
import { bitsOf, cellOf, geohashText, placeOf, STEPS } from "./geohash.js";
import { searchCommand } from "./search.js";

/** Places in sorted sets. https://redis.io/docs/latest/commands/?group=geo */
export const geoCommands: CommandGroup = {
  geoadd,
  geodist,
  geohash,
  geopos,
  georadius: searchCommand("place", "option"),
  georadius_ro: searchCommand("place", "never"),
  georadiusbymember: searchCommand("member", "option"),
  georadiusbymember_ro: searchCommand("member", "never"),
  geosearch: searchCommand("option", "never"),
  geosearchstore: searchCommand("option", "always"),
};

/** GEOADD is a ZADD of geohashes, and goes into the replication stream as that. */
function geoadd(ctx: CommandContext, args: readonly Bytes[]): Reply {
  let at = 2;
  while (at < args.length && ["nx", "xx", "ch"].includes(arg(args, at).toLowerCase())) at++;
  const options = args.slice(2, at);
  const both = options.some((word) => isWord(word, "nx")) && options.some((word) => isWord(word, "xx"));
  if ((args.length - at) % 3 !== 0 || both) fail(errors.syntax);
  const added = ["zadd", arg(args, 1), ...options];
  for (; at < args.length; at += 3) {
    added.push(String(bitsOf(cellOf(placeArg(args, at), STEPS))), arg(args, at + 2));
  }
  ctx.rewrite(...added);
  return zadd(ctx, added);
}

function geodist(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const unitM = args.length === 5 ? unitArg(arg(args, 4)) : 1;
  if (args.length > 5) fail(errors.syntax);
  const set = ctx.db.get(arg(args, 1), "zset");
  const from = set?.score(arg(args, 2));
  const to = set?.score(arg(args, 3));
  if (from === undefined || to === undefined) return null;
  return distanceText(distanceM(placeOf(from), placeOf(to)) / unitM);
}

function geohash(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const set = ctx.db.get(arg(args, 1), "zset");
  return args.slice(2).map((member) => {
    const score = set?.score(member);
    return score === undefined ? null : geohashText(placeOf(score));
  });
}

function geopos(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const set = ctx.db.get(arg(args, 1), "zset");
  return args.slice(2).map((member) => {
    const score = set?.score(member);
    return score === undefined ? NULL_ARRAY : placeReply(placeOf(score));
  });
}
