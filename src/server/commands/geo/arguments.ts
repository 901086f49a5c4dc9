import { type Bytes, DoubleReply, ErrorReply, type Reply } from "../../../protocol/resp/reply.js";
import { fail } from "../../dispatch/errors.js";
import { arg, doubleArg } from "../support/arguments.js";
import { MAX_LATITUDE, MAX_LONGITUDE, type Place } from "./geohash.js";

const badUnit = new ErrorReply("ERR unsupported unit provided. please use M, KM, FT, MI");

const UNITS: ReadonlyMap<string, number> = new Map([
  ["m", 1],
  ["km", 1000],
  ["ft", 0.3048],
  ["mi", 1609.34],
]);

/** Meters in a unit. */
export function unitArg(text: Bytes): number {
  return UNITS.get(text.toLowerCase()) ?? fail(badUnit);
}

/** The place that stands at `at`: longitude, latitude. */
export function placeArg(args: readonly Bytes[], at: number): Place {
  const longitude = doubleArg(arg(args, at));
  const latitude = doubleArg(arg(args, at + 1));
  if (Math.abs(longitude) > MAX_LONGITUDE || Math.abs(latitude) > MAX_LATITUDE) {
    fail(`ERR invalid longitude,latitude pair ${fixed6(longitude)},${fixed6(latitude)}`);
  }
  return { longitude, latitude };
}

/** C's `%f`. */
function fixed6(value: number): string {
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  return Math.abs(value) < 1e21 ? value.toFixed(6) : `${BigInt(value)}.000000`;
}

/** A coordinate as replies show it. */
export function coordinateReply(value: number): DoubleReply {
  const text = value.toFixed(17).replace(/\.?0+$/, "");
  return new DoubleReply(value, text === "-0" ? "0" : text);
}

export function placeReply({ longitude, latitude }: Place): Reply {
  return [coordinateReply(longitude), coordinateReply(latitude)];
}

/** A distance with four digits behind the point; halves go to the even one. */
export function distanceText(distance: number): Bytes {
  const scaled = distance * 10_000;
  let rounded = Math.round(scaled);
  if (rounded - scaled === 0.5 && rounded % 2 !== 0) rounded--;
  const digits = String(BigInt(rounded)).padStart(5, "0");
  return `${digits.slice(0, -4)}.${digits.slice(-4)}`;
}
