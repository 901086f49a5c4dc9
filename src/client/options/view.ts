import { InvalidOptionError } from "../errors/kinds.js";
import type { Preference } from "../routing/prefer.js";
import type { CallTrace, Consistency, ReadFrom, ViewOptions } from "../types.js";
import { checkBoolean, checkChoice, checkInteger, refuseUnknown, requireObject, showType, showValue } from "./check.js";
import { checkLabel, checkTags } from "./labels.js";
import type { ResolvedView } from "./resolved.js";
import { INHERITED_VIEW_OPTIONS, OPTION_TABLE, VIEW_ONLY_TABLE } from "./table.js";

const KNOWN = [...INHERITED_VIEW_OPTIONS, ...Object.keys(VIEW_ONLY_TABLE)];
const MOST_REPLICAS = 10_000;

/** The view that the client itself is, before any option: every default. */
export const DEFAULT_VIEW: ResolvedView = Object.freeze({
  consistency: OPTION_TABLE.consistency.default,
  maxStalenessMs: OPTION_TABLE.maxStalenessMs.default,
  maxLagBytes: OPTION_TABLE.maxLagBytes.default,
  readFrom: OPTION_TABLE.readFrom.default,
  askedReadFrom: OPTION_TABLE.readFrom.default,
  verifyReads: OPTION_TABLE.verifyReads.default,
  preference: null,
  hedgeAfterMs: OPTION_TABLE.hedgeAfterMs.default,
  ack: null,
  timeoutMs: VIEW_ONLY_TABLE.timeoutMs.default,
  signal: null,
  retryUnknown: VIEW_ONLY_TABLE.retryUnknown.default,
  trace: null,
});

/**
 * What `with(options)` on a view with the options `parent` makes. What isn't named is inherited; a key set to
 * `undefined` counts as not named. `strong` overrides a replica form that was inherited.
 * @throws InvalidOptionError on an unknown key, a value out of its limits, or `strong` beside a replica form
 */
export function resolveView(options: ViewOptions, parent: ResolvedView): ResolvedView {
  const given = requireObject("", options);
  refuseUnknown("", given, KNOWN);
  const consistency =
    given["consistency"] === undefined
      ? parent.consistency
      : checkChoice<Consistency>("consistency", OPTION_TABLE.consistency, given["consistency"]);
  const asked =
    given["readFrom"] === undefined
      ? parent.askedReadFrom
      : checkChoice<ReadFrom>("readFrom", OPTION_TABLE.readFrom, given["readFrom"]);
  if (consistency === "strong" && given["readFrom"] !== undefined && isReplicaForm(asked)) {
    throw new InvalidOptionError(
      "readFrom",
      `must not be ${showValue(asked)} with consistency "strong", which only the master can give; allowed: "master", "masterPreferred", "nearest" or a function`,
    );
  }
  return Object.freeze({
    consistency,
    maxStalenessMs:
      given["maxStalenessMs"] === undefined
        ? parent.maxStalenessMs
        : checkInteger("maxStalenessMs", OPTION_TABLE.maxStalenessMs, given["maxStalenessMs"]),
    maxLagBytes:
      given["maxLagBytes"] === undefined
        ? parent.maxLagBytes
        : checkInteger("maxLagBytes", OPTION_TABLE.maxLagBytes, given["maxLagBytes"]),
    readFrom: consistency === "strong" && isReplicaForm(asked) ? "master" : asked,
    askedReadFrom: asked,
    verifyReads:
      given["verifyReads"] === undefined
        ? parent.verifyReads
        : checkBoolean("verifyReads", OPTION_TABLE.verifyReads, given["verifyReads"]),
    preference: readPreference(given, parent.preference),
    hedgeAfterMs:
      given["hedgeAfterMs"] === undefined
        ? parent.hedgeAfterMs
        : checkInteger("hedgeAfterMs", OPTION_TABLE.hedgeAfterMs, given["hedgeAfterMs"]),
    ack: given["ack"] === undefined ? parent.ack : checkAck(given["ack"]),
    timeoutMs:
      given["timeoutMs"] === undefined
        ? parent.timeoutMs
        : checkInteger("timeoutMs", VIEW_ONLY_TABLE.timeoutMs, given["timeoutMs"]),
    signal: given["signal"] === undefined ? parent.signal : checkSignal(given["signal"]),
    retryUnknown:
      given["retryUnknown"] === undefined
        ? parent.retryUnknown
        : checkBoolean("retryUnknown", VIEW_ONLY_TABLE.retryUnknown, given["retryUnknown"]),
    trace: given["trace"] === undefined ? parent.trace : checkTrace(given["trace"]),
  });
}

function readPreference(given: Readonly<Record<string, unknown>>, parent: Preference | null): Preference | null {
  const { preferZone, readTags, latencyWindowMs } = given;
  if (preferZone === undefined && readTags === undefined && latencyWindowMs === undefined) return parent;
  return Object.freeze({
    zone: preferZone === undefined ? (parent?.zone ?? null) : checkLabel("preferZone", preferZone),
    tags: readTags === undefined ? (parent?.tags ?? null) : checkTagSets(readTags),
    latencyWindowMs:
      latencyWindowMs === undefined
        ? (parent?.latencyWindowMs ?? null)
        : checkInteger("latencyWindowMs", OPTION_TABLE.latencyWindowMs, latencyWindowMs),
  });
}

function checkTagSets(value: unknown): Preference["tags"] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new InvalidOptionError(
      "readTags",
      `must be an array of tag sets such as [{ disk: "ssd" }, {}]; got ${Array.isArray(value) ? "an empty one" : showType(value)}`,
    );
  }
  return Object.freeze(value.map((set: unknown, index) => checkTags(`readTags[${index}]`, set)));
}

function isReplicaForm(readFrom: ReadFrom): boolean {
  return readFrom === "replica" || readFrom === "replicaPreferred";
}

function checkAck(value: unknown): NonNullable<ResolvedView["ack"]> {
  const given = requireObject("ack", value);
  refuseUnknown("ack", given, ["replicas", "timeoutMs"]);
  const { replicas, timeoutMs } = given;
  const named = replicas === "all" || replicas === "majority";
  if (
    !named &&
    !(typeof replicas === "number" && Number.isInteger(replicas) && replicas >= 1 && replicas <= MOST_REPLICAS)
  ) {
    throw new InvalidOptionError(
      "ack.replicas",
      `must be an integer from 1 to ${MOST_REPLICAS}, "all" or "majority"; got ${showValue(replicas)}`,
    );
  }
  // WAIT takes 0 for "for ever", which no caller wants to find out in an outage.
  const wait = timeoutMs === undefined ? null : checkInteger("ack.timeoutMs", VIEW_ONLY_TABLE.timeoutMs, timeoutMs);
  if (wait === null)
    throw new InvalidOptionError(
      "ack.timeoutMs",
      "must be given: how many milliseconds to wait for the replicas, 1 at least",
    );
  return Object.freeze({ replicas: replicas as number | "all" | "majority", timeoutMs: wait });
}

function checkTrace(value: unknown): NonNullable<ResolvedView["trace"]> {
  if (typeof value !== "function")
    throw new InvalidOptionError(
      "trace",
      `must be a function that is told of each call; for a call's own trace use traced(fn); got ${showType(value)}`,
    );
  const listener = value as (call: CallTrace) => void;
  return (call) => {
    // What a listener throws is its own affair, and nobody's who waits for a reply.
    call.then(listener).catch(() => {});
  };
}

export function checkSignal(value: unknown): AbortSignal {
  if (value instanceof AbortSignal) return value;
  throw new InvalidOptionError("signal", `must be an AbortSignal; got ${showType(value)}`);
}
