import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply, MapReply, VerbatimReply } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { helpText } from "./support/help.js";
import { latencyGraph } from "./support/latency-graph.js";
import { latencyReport } from "./support/latency-report.js";

/** What took long, and how long commands take. https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/latency-monitor/ */
export const latencyCommands: CommandGroup = {
  "latency|latest": latest,
  "latency|history": history,
  "latency|graph": graph,
  "latency|doctor": (ctx) => new VerbatimReply("txt", latencyReport(ctx.server)),
  "latency|reset": reset,
  "latency|histogram": histogram,
  "latency|help": () => helpText("latency"),
};

function latest(ctx: CommandContext): Reply {
  return [...ctx.server.latency.events].map(([event, { samples, maxMs }]) => {
    const last = samples.at(-1);
    return [event, last?.atS ?? 0, last?.ms ?? 0, maxMs];
  });
}

function history(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const series = ctx.server.latency.events.get(args[2] as Bytes);
  return series === undefined ? [] : series.samples.map(({ atS, ms }) => [atS, ms]);
}

function graph(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const event = args[2] as Bytes;
  const series = ctx.server.latency.events.get(event);
  if (series === undefined) return new ErrorReply(`ERR No samples available for event '${event}'`);
  return new VerbatimReply("txt", latencyGraph(event, series, Math.floor(ctx.server.clock.epoch() / 1000)));
}

function reset(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const { latency } = ctx.server;
  if (args.length === 2) return latency.reset();
  return args.slice(2).reduce((resets, event) => resets + latency.reset(event), 0);
}

/** LATENCY HISTOGRAM [command …]: a parent stands for its subcommands. */
function histogram(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const { commands } = ctx.server;
  const asked =
    args.length === 2 ? [...commands.all()] : args.slice(2).flatMap((name) => commands.byFullName(name) ?? []);
  const all = new Set(asked.flatMap((command) => [command, ...(command.subcommands?.values() ?? [])]));
  const pairs: [Bytes, Reply][] = [];
  for (const { name, latency } of all) {
    if (latency === null) continue;
    pairs.push([
      name,
      new MapReply([
        ["calls", latency.count],
        ["histogram_usec", new MapReply(latency.powers())],
      ]),
    ]);
  }
  return new MapReply(pairs);
}
