import type { CommandGroup } from "../../dispatch/registry.js";
import { combineCommand, combineStoreCommand, zintercard } from "./combining.js";
import { zadd, zcard, zincrby, zmscore, zrandmember, zrank, zrem, zrevrank, zscan, zscore } from "./members.js";
import { blockingPopCommand, bzmpop, popCommand, zmpop } from "./popping.js";
import { countCommand, rangeCommand, removeRangeCommand, zrangestore } from "./ranges.js";

export const sortedSetCommands: CommandGroup = {
  zadd,
  zincrby,
  zrem,
  zcard,
  zscore,
  zmscore,
  zrank,
  zrevrank,
  zrandmember,
  zscan,
  zrange: rangeCommand(null, null),
  zrevrange: rangeCommand("rank", true),
  zrangebyscore: rangeCommand("score", false),
  zrevrangebyscore: rangeCommand("score", true),
  zrangebylex: rangeCommand("lex", false),
  zrevrangebylex: rangeCommand("lex", true),
  zrangestore,
  zcount: countCommand("score"),
  zlexcount: countCommand("lex"),
  zremrangebyrank: removeRangeCommand("rank"),
  zremrangebyscore: removeRangeCommand("score"),
  zremrangebylex: removeRangeCommand("lex"),
  zpopmin: popCommand("min"),
  zpopmax: popCommand("max"),
  bzpopmin: blockingPopCommand("min"),
  bzpopmax: blockingPopCommand("max"),
  zmpop,
  bzmpop,
  zunion: combineCommand("union"),
  zinter: combineCommand("inter"),
  zdiff: combineCommand("diff"),
  zunionstore: combineStoreCommand("union"),
  zinterstore: combineStoreCommand("inter"),
  zdiffstore: combineStoreCommand("diff"),
  zintercard,
};
