import { InvalidOptionError } from "../errors/kinds.js";
import { requireObject, showType, showValue } from "./check.js";
import { nearestName } from "./nearest.js";
import { checkDb, checkTls } from "./node-input.js";
import type { PassedRedisOption, SharedRedisOptions } from "./types.js";

type Check = (path: string, value: unknown) => unknown;

const fail = (path: string, wanted: string, shown: string): never => {
  throw new InvalidOptionError(path, `must be ${wanted}; got ${shown}`);
};
const text: Check = (path, value) => (typeof value === "string" ? value : fail(path, "a string", showType(value)));
const flag: Check = (path, value) =>
  typeof value === "boolean" ? value : fail(path, "true or false", showValue(value));
const milliseconds =
  (min: number): Check =>
  (path, value) =>
    typeof value === "number" && Number.isInteger(value) && value >= min && value <= 2 ** 31 - 1
      ? value
      : fail(path, `an integer from ${min} to ${2 ** 31 - 1} milliseconds`, showValue(value));
const oneOf =
  (...allowed: readonly unknown[]): Check =>
  (path, value) =>
    allowed.includes(value)
      ? value
      : fail(path, allowed.map((one) => JSON.stringify(one)).join(" or "), showValue(value));
const connectionName: Check = (path, value) =>
  typeof value === "string" && /^[!-~]*$/.test(value)
    ? value
    : fail(path, "a string without blanks or line ends", showValue(value));

/** ioredis options that pass, each with its check. Values of the first four are never shown. */
const PASSED: Readonly<Record<PassedRedisOption, Check>> = {
  username: text,
  password: text,
  tls: (path, value) => checkTls(path, value),
  scripts: (path, value) => checkScripts(path, value),
  db: checkDb,
  family: oneOf(0, 4, 6),
  keepAlive: milliseconds(0),
  noDelay: flag,
  connectionName,
  disableClientInfo: flag,
  clientInfoTag: connectionName,
  connectTimeout: milliseconds(1),
  commandTimeout: milliseconds(1),
  stringNumbers: flag,
  protocol: oneOf(2, 3),
  replyMapping: oneOf("legacy", "resp3"),
  keyPrefix: text,
  showFriendlyErrorStack: flag,
};

function checkScripts(path: string, value: unknown): unknown {
  for (const [name, script] of Object.entries(requireObject(path, value))) {
    const { lua } = requireObject(`${path}.${name}`, script);
    if (typeof lua !== "string") fail(`${path}.${name}.lua`, "a string", showType(lua));
  }
  return value;
}

const RETRIES =
  "sending again and reconnecting are the client's own; failoverTimeoutMs bounds them, retryUnknown of a view widens them";
const PLACES = "addresses belong in nodes, master or replicas";
const TOP = "give it beside redisOptions, not in it";
const ROUTES = "readFrom says who serves reads";

/** ioredis options that are the client's own: why, and the values that ask for no more than it does. */
const OWNED: Readonly<Record<string, { readonly why: string; readonly neutral?: readonly unknown[] }>> = {
  retryStrategy: { why: RETRIES },
  reconnectOnError: { why: RETRIES, neutral: [null] },
  maxRetriesPerRequest: { why: RETRIES, neutral: [null] },
  autoResendUnfulfilledCommands: {
    why: "sending a write of unknown outcome again applies it twice; see retryUnknown of a view",
    neutral: [false],
  },
  maxLoadingRetryTime: { why: RETRIES },
  enableOfflineQueue: {
    why: "commands always wait for a master, bounded by limits.queuedCommands and failoverTimeoutMs",
    neutral: [true],
  },
  enableReadyCheck: { why: "every node is checked before it is used", neutral: [true] },
  autoResubscribe: { why: "subscriptions always move to the new master", neutral: [true] },
  enableAutoPipelining: {
    why: "the commands of one turn of the event loop are always written at once",
    neutral: [false],
  },
  autoPipeliningIgnoredCommands: { why: "there is no auto-pipelining to ignore commands" },
  socketTimeout: { why: "heartbeatTimeoutMs finds a server that hangs, and timeoutMs of a view bounds a command" },
  blockingTimeout: { why: "heartbeatTimeoutMs finds a server that hangs, and timeoutMs of a view bounds a command" },
  blockingTimeoutGrace: { why: "it goes with blockingTimeout, which can't be set" },
  disconnectTimeout: { why: "disconnect() closes at once" },
  host: { why: PLACES },
  port: { why: PLACES },
  path: { why: PLACES },
  Connector: { why: "the client makes its own connections" },
  sentinels: { why: TOP },
  name: { why: TOP },
  sentinelUsername: { why: TOP },
  sentinelPassword: { why: TOP },
  sentinelTLS: { why: TOP },
  enableTLSForSentinelMode: { why: TOP },
  updateSentinels: { why: TOP },
  natMap: { why: TOP },
  lazyConnect: { why: TOP },
  sentinelRetryStrategy: { why: RETRIES },
  sentinelReconnectStrategy: { why: RETRIES },
  sentinelCommandTimeout: { why: "heartbeatTimeoutMs bounds each question to a Sentinel" },
  sentinelMaxConnections: { why: "Sentinels are asked one at a time" },
  failoverDetector: { why: "failovers are always watched for" },
  role: { why: ROUTES },
  preferredSlaves: { why: ROUTES },
  readOnly: { why: ROUTES },
  monitor: { why: "call monitor() of the client" },
  himportFieldsets: { why: "fieldsets belong to one connection; use withConnection()" },
  offlineQueue: { why: "it is internal to ioredis" },
  commandQueue: { why: "it is internal to ioredis" },
};

/** Checks `redisOptions`; returns what passes, without what is undefined, null or neutral. */
export function checkRedisOptions(value: unknown): {
  [Name in PassedRedisOption]?: NonNullable<SharedRedisOptions[Name]>;
} {
  const result: Record<string, unknown> = {};
  if (value === undefined) return result;
  for (const [name, given] of Object.entries(requireObject("redisOptions", value))) {
    if (given === undefined) continue;
    const path = `redisOptions.${name}`;
    const owned = Object.hasOwn(OWNED, name) ? OWNED[name] : undefined;
    if (owned) {
      if (owned.neutral?.includes(given)) continue;
      throw new InvalidOptionError(path, `can't be set: ${owned.why}`);
    }
    const check = Object.hasOwn(PASSED, name) ? PASSED[name as PassedRedisOption] : undefined;
    if (!check) {
      throw new InvalidOptionError(path, `is unknown; did you mean "${nearestName(name, Object.keys(PASSED))}"?`);
    }
    // ioredis takes null for "none" in most places, and people copy that.
    if (given !== null) result[name] = check(path, given);
  }
  if (result["replyMapping"] === "resp3" && result["protocol"] === 2) {
    throw new InvalidOptionError("redisOptions.replyMapping", 'must not be "resp3" when protocol is 2');
  }
  return result;
}
