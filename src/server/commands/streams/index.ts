import type { CommandGroup } from "../../dispatch/registry.js";
import { helpText } from "../support/help.js";
import { xadd, xdel, xsetid, xtrim } from "./changing.js";
import { xautoclaim, xclaim } from "./claiming.js";
import { xack, xgroupCreate, xgroupCreateconsumer, xgroupDelconsumer, xgroupDestroy, xgroupSetid } from "./groups.js";
import { xinfoConsumers, xinfoGroups, xinfoStream } from "./info.js";
import { xpending } from "./pending.js";
import { xlen, xrange, xrevrange } from "./ranges.js";
import { xread, xreadgroup } from "./reading.js";

/** Streams and their consumer groups. https://redis.io/docs/latest/commands/?group=stream */
export const streamCommands: CommandGroup = {
  xadd,
  xtrim,
  xdel,
  xsetid,
  xlen,
  xrange,
  xrevrange,
  xread,
  xreadgroup,
  xack,
  xpending,
  xclaim,
  xautoclaim,
  "xgroup|create": xgroupCreate,
  "xgroup|setid": xgroupSetid,
  "xgroup|destroy": xgroupDestroy,
  "xgroup|createconsumer": xgroupCreateconsumer,
  "xgroup|delconsumer": xgroupDelconsumer,
  "xgroup|help": () => helpText("xgroup"),
  "xinfo|stream": xinfoStream,
  "xinfo|groups": xinfoGroups,
  "xinfo|consumers": xinfoConsumers,
  "xinfo|help": () => helpText("xinfo"),
};
