import { type Bytes, ErrorReply, type Reply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import { errors, fail } from "../../dispatch/errors.js";
import type { CommandHandler } from "../../dispatch/registry.js";
import { SortedSet } from "../../keyspace/sorted-set.js";
import { put, storeResult } from "../sorted-sets/access.js";
import { arg, doubleArg, isWord, longArg } from "../support/arguments.js";
import { cellsCovering, distanceWithin, type Shape } from "./area.js";
import { distanceText, placeArg, placeReply, unitArg } from "./arguments.js";
import { bitsOf, type Place, placeOf, scoresOf } from "./geohash.js";

/* GEORADIUS and GEOSEARCH in all their forms. */

const needRadius = new ErrorReply("ERR need numeric radius");
const negativeRadius = new ErrorReply("ERR radius cannot be negative");
const needWidth = new ErrorReply("ERR need numeric width");
const needHeight = new ErrorReply("ERR need numeric height");
const negativeBox = new ErrorReply("ERR height or width cannot be negative");
const noMember = new ErrorReply("ERR could not decode requested zset member");
const badCount = new ErrorReply("ERR COUNT must be > 0");
const anyWithoutCount = new ErrorReply("ERR the ANY argument requires COUNT argument");

/** Which of the commands it is. */
interface Form {
  /** Where the center stands: in the arguments after the key, or among the options. */
  readonly around: "place" | "member" | "option";
  /** GEORADIUS can be told to store its result; GEOSEARCHSTORE does nothing else. */
  readonly stores: "never" | "option" | "always";
}

interface Options {
  withDistance: boolean;
  withHash: boolean;
  withPlace: boolean;
  any: boolean;
  order: "asc" | "desc" | null;
  count: number;
  storeKey: Bytes | null;
  storeDistance: boolean;
  center: Place | null;
  /** FROMMEMBER was given, though there is no key to look it up in. */
  centerGiven: boolean;
  area: Area | null;
}

type Area = { readonly unitM: number } & (
  | { readonly radius: number }
  | { readonly width: number; readonly height: number }
);

/** A member that was found. */
interface Found {
  readonly member: Bytes;
  readonly score: number;
  readonly place: Place;
  readonly distanceM: number;
}

/** A handler for one of the searching commands. */
export function searchCommand(around: Form["around"], stores: Form["stores"]): CommandHandler {
  return (ctx, args) => search(ctx, args, { around, stores });
}

function radiusArg(args: readonly Bytes[], at: number): Area {
  const radius = doubleArg(arg(args, at), needRadius);
  if (radius < 0) fail(negativeRadius);
  return { radius, unitM: unitArg(arg(args, at + 1)) };
}

function boxArg(args: readonly Bytes[], at: number): Area {
  const width = doubleArg(arg(args, at), needWidth);
  const height = doubleArg(arg(args, at + 1), needHeight);
  if (width < 0 || height < 0) fail(negativeBox);
  return { width, height, unitM: unitArg(arg(args, at + 2)) };
}

function memberPlace(set: SortedSet, member: Bytes): Place {
  return placeOf(set.score(member) ?? fail(noMember));
}

function parse(args: readonly Bytes[], form: Form, set: SortedSet | null): Options {
  const options: Options = {
    withDistance: false,
    withHash: false,
    withPlace: false,
    any: false,
    order: null,
    count: 0,
    storeKey: form.stores === "always" ? arg(args, 1) : null,
    storeDistance: false,
    center: null,
    centerGiven: false,
    area: null,
  };
  let at = form.stores === "always" ? 3 : 2;
  if (form.around === "place") {
    options.center = placeArg(args, 2);
    options.area = radiusArg(args, 4);
    at = 6;
  } else if (form.around === "member") {
    if (set !== null) {
      options.center = memberPlace(set, arg(args, 2));
      options.area = radiusArg(args, 3);
    }
    at = 5;
  }
  while (at < args.length) at += option(args, at, form, set, options);
  return options;
}

/** Reads one option; how many arguments it takes. */
function option(args: readonly Bytes[], at: number, form: Form, set: SortedSet | null, options: Options): number {
  const more = args.length - 1 - at;
  const searching = form.around === "option";
  if (isWord(args[at], "withdist")) options.withDistance = true;
  else if (isWord(args[at], "withhash")) options.withHash = true;
  else if (isWord(args[at], "withcoord")) options.withPlace = true;
  else if (isWord(args[at], "any")) options.any = true;
  else if (isWord(args[at], "asc")) options.order = "asc";
  else if (isWord(args[at], "desc")) options.order = "desc";
  else if (more >= 1 && isWord(args[at], "count")) {
    options.count = longArg(arg(args, at + 1));
    if (options.count <= 0) fail(badCount);
    return 2;
  } else if (more >= 1 && form.stores === "option" && (isWord(args[at], "store") || isWord(args[at], "storedist"))) {
    options.storeDistance = isWord(args[at], "storedist");
    options.storeKey = arg(args, at + 1);
    return 2;
  } else if (form.stores === "always" && isWord(args[at], "storedist")) options.storeDistance = true;
  else if (
    more >= 1 &&
    searching &&
    (options.center === null || options.centerGiven) &&
    isWord(args[at], "frommember")
  ) {
    if (set !== null) options.center = memberPlace(set, arg(args, at + 1));
    options.centerGiven = true;
    return 2;
  } else if (more >= 2 && searching && !options.centerGiven && isWord(args[at], "fromlonlat")) {
    options.center = placeArg(args, at + 1);
    return 3;
  } else if (more >= 2 && searching && !isBox(options.area) && isWord(args[at], "byradius")) {
    options.area = radiusArg(args, at + 1);
    return 3;
  } else if (more >= 3 && searching && (options.area === null || isBox(options.area)) && isWord(args[at], "bybox")) {
    options.area = boxArg(args, at + 1);
    return 4;
  } else fail(errors.syntax);
  return 1;
}

function isBox(area: Area | null): boolean {
  return area !== null && "width" in area;
}

function search(ctx: CommandContext, args: readonly Bytes[], form: Form): Reply {
  const set = ctx.db.get(arg(args, form.stores === "always" ? 2 : 1), "zset");
  const options = parse(args, form, set);
  const { storeKey, count, center, area } = options;
  if (storeKey !== null && (options.withDistance || options.withHash || options.withPlace)) {
    const what = form.stores === "always" ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS";
    fail(`ERR ${what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`);
  }
  if (form.around === "option") {
    if (center === null && !options.centerGiven) {
      fail(`ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ${args[0]}`);
    }
    if (area === null) fail(`ERR exactly one of BYRADIUS and BYBOX can be specified for ${args[0]}`);
  }
  if (options.any && count === 0) fail(anyWithoutCount);
  const shape: Shape | null = center === null || area === null ? null : { center, ...area };
  const found = set === null || shape === null ? [] : within(set, shape, options.any ? count : 0);
  // The closest of all make sense only in order; any that are found first don't need one.
  const order = options.order ?? (count > 0 && !options.any ? "asc" : null);
  if (order === "asc") found.sort((left, right) => left.distanceM - right.distanceM);
  if (order === "desc") found.sort((left, right) => right.distanceM - left.distanceM);
  if (count > 0 && found.length > count) found.length = count;
  if (storeKey === null) return found.map((one) => reply(one, shape as Shape, options));
  const result = new SortedSet();
  for (const { member, score, distanceM } of found) {
    put(ctx, result, member, options.storeDistance ? distanceM / (shape as Shape).unitM : score);
  }
  const event = form.stores === "always" ? "geosearchstore" : "georadiusstore";
  return storeResult(ctx, storeKey, result, event);
}

/** The members within a shape, cell by cell; `limit` ends the search, 0 = none. */
function within(set: SortedSet, shape: Shape, limit: number): Found[] {
  const found: Found[] = [];
  let last: number | bigint | null = null;
  for (const [index, cell] of cellsCovering(shape).entries()) {
    const bits = bitsOf(cell);
    // Of a grid so coarse that neighbours coincide, Redis skips what it has just looked into, the center apart.
    if (bits === last) continue;
    if (limit > 0 && found.length >= limit) break;
    if (index > 0) last = bits;
    const [from, to] = scoresOf(cell);
    const first = set.countWhile(({ score }) => score < from);
    for (const { member, score } of set.slice(
      first,
      set.countWhile((entry) => entry.score < to),
    )) {
      const place = placeOf(score);
      const distance = distanceWithin(shape, place);
      if (distance !== null) found.push({ member, score, place, distanceM: distance });
      if (limit > 0 && found.length >= limit) break;
    }
  }
  return found;
}

function reply({ member, score, place, distanceM }: Found, shape: Shape, options: Options): Reply {
  if (!options.withDistance && !options.withHash && !options.withPlace) return member;
  const items: Reply[] = [member];
  if (options.withDistance) items.push(distanceText(distanceM / shape.unitM));
  if (options.withHash) items.push(Math.trunc(score));
  if (options.withPlace) items.push(placeReply(place));
  return items;
}
