import { type Bytes, ErrorReply, OK, type Reply, SimpleString, VerbatimReply } from "../../protocol/resp/reply.js";
import { REDIS_VERSION } from "../../protocol/version.js";
import { globMatch } from "../commands/support/glob.js";
import { parseIntegerWithin } from "../commands/support/integer.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors, fail } from "../dispatch/errors.js";
import type { CommandGroup, CommandHandler } from "../dispatch/registry.js";
import { instanceFields, sentinelSection } from "./describe.js";
import { HELLO_CHANNEL, parseHello } from "./hello.js";
import type { Monitor } from "./monitor.js";
import type { MonitorSettings } from "./monitor-context.js";

/** What the commands of a Sentinel act on. */
export interface SentinelState {
  readonly myId: string;
  readonly monitors: ReadonlyMap<string, Monitor>;
  epoch: number;
  /** Watches another master. False if the name is taken. */
  monitor(name: string, host: string, port: number, quorum: number): boolean;
  remove(monitor: Monitor): void;
}

const NO_SUCH_MASTER = new ErrorReply("ERR No such master with that name");
const ONLY_HELLO = new ErrorReply("ERR Only HELLO messages are accepted by Sentinel instances.");

/** What a Sentinel answers beside what every server does. https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/ */
export function sentinelCommands(state: SentinelState): CommandGroup {
  const subcommands = subcommandsOf(state);
  return {
    role: () => ["sentinel", [...state.monitors.keys()]],
    info: (ctx, args) => info(state, ctx, args),
    publish: (_ctx, args) => publish(state, args),
    sentinel: (ctx, args) => {
      const entry = subcommands[(args[1] as Bytes).toLowerCase()];
      if (entry === undefined) return new ErrorReply(`ERR unknown subcommand '${args[1]}'. Try SENTINEL HELP.`);
      const [min, max, run] = entry;
      return args.length - 2 < min || args.length - 2 > max
        ? new ErrorReply(`ERR wrong number of arguments for 'sentinel|${(args[1] as Bytes).toLowerCase()}' command`)
        : run(ctx, args);
    },
  };
}

type Subcommands = Readonly<Record<string, readonly [min: number, max: number, run: CommandHandler]>>;

function subcommandsOf(state: SentinelState): Subcommands {
  const find = (args: readonly Bytes[]): Monitor => state.monitors.get(args[2] as Bytes) ?? fail(NO_SUCH_MASTER);
  const list = (of: (monitor: Monitor) => Iterable<Monitor["master"]>): CommandHandler => {
    return (ctx, args) => {
      const monitor = find(args);
      return [...of(monitor)].map((one) => instanceFields(monitor, one, ctx.server.clock.now()));
    };
  };
  const replicas = list((monitor) => [...monitor.replicas.values()].filter((replica) => replica.announced));
  return {
    "get-master-addr-by-name": [1, 1, (_ctx, args) => addressOf(state.monitors.get(args[2] as Bytes))],
    masters: [
      0,
      0,
      (ctx) => [...state.monitors.values()].map((one) => instanceFields(one, one.master, ctx.server.clock.now())),
    ],
    master: [1, 1, (ctx, args) => instanceFields(find(args), find(args).master, ctx.server.clock.now())],
    replicas: [1, 1, replicas],
    slaves: [1, 1, replicas],
    sentinels: [1, 1, list((monitor) => monitor.sentinels.values())],
    myid: [0, 0, () => state.myId],
    ckquorum: [1, 1, (_ctx, args) => checkQuorum(find(args))],
    failover: [1, 1, (_ctx, args) => failover(find(args))],
    "is-master-down-by-addr": [4, 4, (_ctx, args) => isMasterDown(state, args)],
    monitor: [4, 4, (_ctx, args) => monitor(state, args)],
    remove: [1, 1, (_ctx, args) => remove(state, find(args))],
    set: [1, Number.POSITIVE_INFINITY, (_ctx, args) => set(find(args), args)],
    reset: [1, 1, (_ctx, args) => reset(state, args[2] as Bytes)],
    flushconfig: [0, 0, () => OK],
    "pending-scripts": [0, 0, () => []],
    help: [0, 0, () => HELP.map((line) => new SimpleString(line))],
  };
}

const HELP = [
  "SENTINEL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "CKQUORUM, FAILOVER, FLUSHCONFIG, GET-MASTER-ADDR-BY-NAME, IS-MASTER-DOWN-BY-ADDR, MASTER, MASTERS, MONITOR,",
  "MYID, REMOVE, REPLICAS, RESET, SENTINELS, SET",
];

/** A failover that has chosen names the new master from the moment that it is one. */
function addressOf(monitor: Monitor | undefined): Reply {
  return monitor === undefined ? null : [monitor.master.host, String(monitor.master.port)];
}

function checkQuorum(monitor: Monitor): Reply {
  const { usableSentinels: usable, majority, settings } = monitor;
  const can = usable >= settings.quorum;
  const authorize = usable >= majority;
  if (can && authorize)
    return new SimpleString(`OK ${usable} usable Sentinels. Quorum and failover authorization can be reached`);
  const problems = [
    ...(can ? [] : ["Not enough available Sentinels to reach the specified quorum for this master"]),
    ...(authorize ? [] : ["Not enough available Sentinels to reach the majority and authorize a failover"]),
  ];
  return new ErrorReply(`NOQUORUM ${usable} usable Sentinels. ${problems.join(". ")}`);
}

function failover(monitor: Monitor): Reply {
  const refused = monitor.forceFailover();
  return refused === null ? OK : new ErrorReply(refused);
}

function isMasterDown(state: SentinelState, args: readonly Bytes[]): Reply {
  const [, , host, portText, epochText, candidate] = args as readonly [Bytes, Bytes, Bytes, Bytes, Bytes, Bytes];
  const port = parseIntegerWithin(portText, 0, 65535) ?? fail(errors.notInteger);
  const epoch = parseIntegerWithin(epochText, 0, Number.MAX_SAFE_INTEGER) ?? fail(errors.notInteger);
  const found = [...state.monitors.values()].find(({ master }) => master.host === host && master.port === port);
  const vote = found && candidate !== "*" ? found.voteFor(candidate, epoch) : null;
  return [found?.master.isDown ? 1 : 0, vote?.leader ?? "*", vote?.epoch ?? 0];
}

function monitor(state: SentinelState, args: readonly Bytes[]): Reply {
  const [, , name, host, portText, quorumText] = args as readonly [Bytes, Bytes, Bytes, Bytes, Bytes, Bytes];
  const quorum = parseIntegerWithin(quorumText, Number.MIN_SAFE_INTEGER, 2 ** 31 - 1) ?? fail("ERR Invalid quorum");
  const port = parseIntegerWithin(portText, 0, 65535) ?? fail("ERR Invalid port number");
  if (quorum <= 0) return new ErrorReply("ERR Quorum must be 1 or greater.");
  if (/[\s\x00-\x1f]/.test(name)) return new ErrorReply("ERR Invalid master name");
  return state.monitor(name, host, port, quorum) ? OK : new ErrorReply("ERR Duplicate master name.");
}

function remove(state: SentinelState, found: Monitor): Reply {
  state.remove(found);
  return OK;
}

const NUMBERS: Readonly<Record<string, "downAfterMs" | "failoverTimeoutMs" | "parallelSyncs" | "quorum">> = {
  "down-after-milliseconds": "downAfterMs",
  "failover-timeout": "failoverTimeoutMs",
  "parallel-syncs": "parallelSyncs",
  quorum: "quorum",
};

/** SENTINEL SET name option value … */
function set({ settings }: Monitor, args: readonly Bytes[]): Reply {
  for (let i = 3; i < args.length; i += 2) {
    const option = (args[i] as Bytes).toLowerCase();
    const value = args[i + 1];
    const number = NUMBERS[option];
    if (value === undefined || (number === undefined && option !== "auth-pass" && option !== "auth-user"))
      return new ErrorReply(`ERR Unknown option or number of arguments for SENTINEL SET '${args[i]}'`);
    if (number !== undefined) {
      const parsed = parseIntegerWithin(value, 1, Number.MAX_SAFE_INTEGER);
      if (parsed === undefined) return new ErrorReply(`ERR Invalid argument '${value}' for SENTINEL SET '${args[i]}'`);
      settings[number] = parsed;
    } else setSecret(settings, option === "auth-pass" ? "password" : "username", value);
  }
  return OK;
}

function setSecret(settings: MonitorSettings, name: "password" | "username", value: Bytes): void {
  if (value === "") delete settings[name];
  else settings[name] = value;
}

function reset({ monitors }: SentinelState, pattern: Bytes): Reply {
  const found = [...monitors.values()].filter(({ name }) => globMatch(pattern, name));
  for (const one of found) one.reset();
  return found.length;
}

function publish({ monitors }: SentinelState, args: readonly Bytes[]): Reply {
  if (args[1] !== HELLO_CHANNEL) return ONLY_HELLO;
  const hello = parseHello(args[2] as Bytes);
  if (hello) monitors.get(hello.masterName)?.hear(hello);
  return 1;
}

function info({ monitors }: SentinelState, ctx: CommandContext, args: readonly Bytes[]): Reply {
  const { server } = ctx;
  const asked = new Set(args.slice(1).map((word) => word.toLowerCase()));
  const all = asked.size === 0 || ["all", "default", "everything"].some((word) => asked.has(word));
  const uptimeS = Math.floor((server.clock.epoch() - server.startedMs) / 1000);
  const sections: readonly (readonly [string, readonly string[]])[] = [
    [
      "Server",
      [
        `redis_version:${REDIS_VERSION}`,
        "redis_mode:sentinel",
        `process_id:${process.pid}`,
        `run_id:${server.runId}`,
        `tcp_port:${server.port}`,
        `uptime_in_seconds:${uptimeS}`,
      ],
    ],
    ["Clients", [`connected_clients:${server.clients.size}`]],
    ["Stats", [`total_commands_processed:${server.stats.commandsProcessed}`]],
    ["Sentinel", sentinelSection([...monitors.values()])],
  ];
  const text = sections
    .filter(([title]) => all || asked.has(title.toLowerCase()))
    .map(([title, lines]) => `# ${title}\r\n${lines.map((line) => `${line}\r\n`).join("")}`)
    .join("\r\n");
  return new VerbatimReply("txt", text);
}
