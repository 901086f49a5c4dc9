import fc from "fast-check";

/* Generators of commands, group by group, over few keys and small values, so that they meet. */

type Command = fc.Arbitrary<string[]>;

const key = fc.constantFrom("k1", "k2", "k3");
const member = fc.constantFrom("a", "b", "c", "d", "e", "1", "2", "10", "", "\x00\xff", "A long one ".repeat(8));
const integer = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -6, max: 6 }).map(String) },
  fc.constantFrom("9223372036854775807", "-9223372036854775808", "9223372036854775808", "abc", "1.5", " 1", "", "007"),
);
const count = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 5 }).map(String) },
  fc.constantFrom("-1", "x"),
);
const float = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -20, max: 20 }).map((value) => String(value / 4)) },
  fc.double({ noNaN: true }).map(String),
  fc.constantFrom("inf", "-inf", "nan", "1e300", "-0", "0.1", "3.3333333333333333333", "1e-9", "x", "0x1F", ".5", "5."),
);
const value = fc.oneof(member, integer, float);
const scoreEnd = fc.oneof(
  { weight: 5, arbitrary: float },
  float.map((text) => `(${text}`),
  fc.constantFrom("-inf", "+inf"),
);
const lexEnd = fc.oneof(
  fc.constantFrom("-", "+", "a"),
  member.map((text) => `[${text}`),
  member.map((text) => `(${text}`),
);
const side = fc.constantFrom("LEFT", "right", "RIGHT", "left");

/** A command from its words; a word that is an array stands for several, or for none. */
function command(name: string, ...words: fc.Arbitrary<string | string[]>[]): Command {
  return fc.tuple(...words).map((parts) => [name, ...parts.flat()]);
}
function some(word: fc.Arbitrary<string>, minLength = 1, maxLength = 3): fc.Arbitrary<string[]> {
  return fc.array(word, { minLength, maxLength });
}
function pairsOf(left: fc.Arbitrary<string>, right: fc.Arbitrary<string>, maxLength = 3): fc.Arbitrary<string[]> {
  return fc.array(fc.tuple(left, right), { minLength: 1, maxLength }).map((pairs) => pairs.flat());
}
/** Any selection of these options, in any order. */
function options(...all: fc.Arbitrary<string[]>[]): fc.Arbitrary<string[]> {
  return fc
    .tuple(fc.shuffledSubarray([...all.keys()]), ...all)
    .map(([chosen, ...values]) => (chosen as number[]).flatMap((index) => values[index] as string[]));
}
const word = (...words: string[]): fc.Arbitrary<string[]> => fc.constant(words);
const counted = (name: string, of: fc.Arbitrary<string>): fc.Arbitrary<string[]> => of.map((text) => [name, text]);
const keysWithCount = some(key).map((keys) => [String(keys.length), ...keys]);

const hashes = [
  command("HSET", key, pairsOf(member, value)),
  command("HSETNX", key, member, value),
  command("HMGET", key, some(member)),
  command("HDEL", key, some(member)),
  command("HSTRLEN", key, member),
  command("HINCRBY", key, member, integer),
  command("HINCRBYFLOAT", key, member, float),
  command("HGETALL", key),
  command("HLEN", key),
  command(
    "HSCAN",
    key,
    fc.constant("0"),
    options(counted("MATCH", fc.constantFrom("*", "[a-c]", "?0*"))),
    word("COUNT", "100"),
  ),
];
const lists = [
  command("RPUSH", key, some(member, 1, 6)),
  command("LPUSH", key, some(member)),
  command("LPUSHX", key, some(member)),
  command("LPOP", key, fc.oneof(word(), some(count, 1, 1))),
  command("RPOP", key, fc.oneof(word(), some(count, 1, 1))),
  command("LINDEX", key, integer),
  command("LSET", key, integer, member),
  command("LINSERT", key, fc.constantFrom("before", "AFTER", "x"), member, member),
  command("LRANGE", key, integer, integer),
  command("LTRIM", key, integer, integer),
  command("LREM", key, integer, member),
  command("LPOS", key, member, options(counted("RANK", integer), counted("COUNT", count), counted("MAXLEN", count))),
  command("LMOVE", key, key, side, side),
  command("RPOPLPUSH", key, key),
  command("LMPOP", keysWithCount, side, options(counted("COUNT", count))),
];
const sets = [
  command("SADD", key, some(member, 1, 5)),
  command("SREM", key, some(member)),
  command("SMOVE", key, key, member),
  command("SMISMEMBER", key, some(member)),
  command("SMEMBERS", key),
  command("SCARD", key),
  command("SPOP", key, fc.constantFrom("0", "100", "-1")),
  command("SRANDMEMBER", key, fc.constantFrom("0", "100", "x")),
  ...["SINTER", "SUNION", "SDIFF"].map((name) => command(name, some(key))),
  ...["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"].map((name) => command(name, key, some(key))),
  command("SINTERCARD", keysWithCount, options(counted("LIMIT", count))),
  command("SSCAN", key, fc.constant("0"), word("COUNT", "1000")),
];
const limit = fc.tuple(integer, integer).map(([offset, size]) => ["LIMIT", offset, size]);
const combined = [
  some(float, 1, 3).map((weights) => ["WEIGHTS", ...weights]),
  counted("AGGREGATE", fc.constantFrom("sum", "MIN", "max", "avg")),
];
const sortedSets = [
  command(
    "ZADD",
    key,
    options(word("NX"), word("XX"), word("GT"), word("lt"), word("CH"), word("INCR")).map((all) => all.slice(0, 2)),
    pairsOf(float, member),
  ),
  command("ZADD", key, pairsOf(float, member, 6)),
  command("ZINCRBY", key, float, member),
  command("ZREM", key, some(member)),
  command("ZMSCORE", key, some(member)),
  command("ZRANK", key, member),
  command("ZREVRANK", key, member),
  command("ZRANGE", key, integer, integer, options(word("REV"), word("WITHSCORES"))),
  command("ZRANGE", key, scoreEnd, scoreEnd, word("BYSCORE"), options(word("REV"), word("WITHSCORES"), limit)),
  command("ZRANGEBYSCORE", key, scoreEnd, scoreEnd, options(word("WITHSCORES"), limit)),
  command("ZREVRANGEBYSCORE", key, scoreEnd, scoreEnd, options(word("WITHSCORES"), limit)),
  command("ZCOUNT", key, scoreEnd, scoreEnd),
  command("ZRANGESTORE", key, key, scoreEnd, scoreEnd, word("BYSCORE"), options(word("REV"), limit)),
  command("ZREMRANGEBYRANK", key, integer, integer),
  command("ZREMRANGEBYSCORE", key, scoreEnd, scoreEnd),
  command("ZPOPMIN", key, fc.oneof(word(), some(count, 1, 1))),
  command("ZPOPMAX", key, fc.oneof(word(), some(count, 1, 1))),
  command("ZMPOP", keysWithCount, fc.constantFrom("MIN", "max"), options(counted("COUNT", count))),
  ...["ZUNION", "ZINTER"].map((name) => command(name, keysWithCount, options(...combined, word("WITHSCORES")))),
  command("ZDIFF", keysWithCount, options(word("WITHSCORES"))),
  ...["ZUNIONSTORE", "ZINTERSTORE"].map((name) => command(name, key, keysWithCount, options(...combined))),
  command("ZDIFFSTORE", key, keysWithCount),
  command("ZINTERCARD", keysWithCount, options(counted("LIMIT", count))),
  command("ZSCAN", key, fc.constant("0"), word("COUNT", "1000")),
];
/** Ranges by member make sense only where all scores are equal. */
const lexicographic = [
  command("ZADD", key, pairsOf(fc.constant("0"), member, 6)),
  command("ZREM", key, some(member)),
  command("ZRANGEBYLEX", key, lexEnd, lexEnd, options(limit)),
  command("ZREVRANGEBYLEX", key, lexEnd, lexEnd, options(limit)),
  command("ZRANGE", key, lexEnd, lexEnd, word("BYLEX"), options(word("REV"), limit)),
  command("ZRANGESTORE", key, key, lexEnd, lexEnd, word("BYLEX"), options(word("REV"), limit)),
  command("ZLEXCOUNT", key, lexEnd, lexEnd),
  command("ZREMRANGEBYLEX", key, lexEnd, lexEnd),
];
const expireAt = fc.constantFrom("4000000000", "4000000001", "1", "-1", "x");
const strings = [
  command(
    "SET",
    key,
    value,
    options(word("NX"), word("XX"), word("GET"), word("KEEPTTL"), counted("EXAT", expireAt)).map((all) =>
      all.slice(0, 3),
    ),
  ),
  command("GET", key),
  command("GETSET", key, value),
  command("GETDEL", key),
  command("GETEX", key, options(word("PERSIST"), counted("EXAT", expireAt))),
  command("MGET", some(key)),
  command("MSETNX", pairsOf(key, value)),
  command("INCR", key),
  command("INCRBY", key, integer),
  command("DECRBY", key, integer),
  command("INCRBYFLOAT", key, float),
  command("APPEND", key, member),
  command("GETRANGE", key, integer, integer),
  command("SETRANGE", key, count, member),
  command("STRLEN", key),
];
const generic = [
  command("DEL", some(key)),
  command("UNLINK", key),
  command("EXISTS", some(key)),
  command("TYPE", key),
  command("RENAME", key, key),
  command("RENAMENX", key, key),
  command("COPY", key, key, options(word("REPLACE"))),
  command("EXPIREAT", key, expireAt, options(word("NX"), word("XX"), word("GT"), word("LT"))),
  command("PERSIST", key),
  command("EXPIRETIME", key),
  command("KEYS", fc.constantFrom("*", "k[12]", "k?", "x*")),
  command("DBSIZE"),
];
const transactions = [
  ...["MULTI", "EXEC", "MULTI", "EXEC", "DISCARD", "UNWATCH", "NOSUCHCOMMAND", "GET"].map((name) => command(name)),
  command("WATCH", some(key)),
  command("SET", key, integer),
  command("INCR", key),
  command("RPUSH", key, member),
  command("EXISTS", key),
];

const entryId = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.nat(4), fc.nat(4)).map((parts) => parts.join("-")) },
  { weight: 2, arbitrary: fc.nat(5).map(String) },
  fc.constantFrom("3-*", "0-0", "18446744073709551615-18446744073709551615", "x", "-", "+"),
);
const intervalEnd = fc.oneof(
  { weight: 4, arbitrary: entryId },
  fc.constantFrom("-", "+", "-", "+"),
  entryId.map((text) => `(${text}`),
);
const trimming = fc.oneof(
  fc.tuple(fc.constantFrom("=", "~"), count).map(([sign, size]) => ["MAXLEN", sign, size]),
  count.map((size) => ["maxlen", size]),
  fc.tuple(fc.constantFrom("=", "~"), entryId).map(([sign, id]) => ["MINID", sign, id]),
  fc.tuple(count, count).map(([size, most]) => ["MAXLEN", "~", size, "LIMIT", most]),
);
const groupName = fc.constantFrom("g", "g", "h");
const consumerName = fc.constantFrom("alice", "bob");
const streams = [
  command("XADD", key, entryId, pairsOf(member, value)),
  command("XADD", key, entryId, pairsOf(fc.constant("f"), value, 1)),
  command("XADD", key, options(word("NOMKSTREAM"), trimming), entryId, pairsOf(member, value, 2)),
  command("XTRIM", key, trimming),
  command("XDEL", key, some(entryId)),
  command("XSETID", key, entryId, options(counted("ENTRIESADDED", count), counted("MAXDELETEDID", entryId))),
  command("XLEN", key),
  command("XRANGE", key, intervalEnd, intervalEnd, options(counted("COUNT", count))),
  command("XREVRANGE", key, intervalEnd, intervalEnd, options(counted("COUNT", count))),
  command("XREAD", options(counted("COUNT", count)), word("STREAMS"), key, entryId),
  command("XGROUP", word("CREATE"), key, groupName, fc.oneof(entryId, fc.constant("$")), options(word("MKSTREAM"))),
  command("XGROUP", word("SETID"), key, groupName, entryId, options(counted("ENTRIESREAD", count))),
  command("XGROUP", fc.constantFrom("CREATECONSUMER", "DELCONSUMER"), key, groupName, consumerName),
  command("XGROUP", word("DESTROY"), key, groupName),
  command(
    "XREADGROUP",
    word("GROUP"),
    groupName,
    consumerName,
    options(counted("COUNT", count), word("NOACK")),
    word("STREAMS"),
    key,
    fc.oneof(fc.constant(">"), fc.constant(">"), entryId),
  ),
  command("XACK", key, groupName, some(entryId)),
  command("XPENDING", key, groupName),
  command(
    "XCLAIM",
    key,
    groupName,
    consumerName,
    word("0"),
    some(entryId),
    options(word("FORCE"), word("JUSTID"), counted("RETRYCOUNT", count), counted("LASTID", entryId)),
  ),
  command(
    "XAUTOCLAIM",
    key,
    groupName,
    consumerName,
    word("0"),
    entryId,
    options(word("JUSTID"), counted("COUNT", count)),
  ),
  command("XINFO", word("STREAM"), key),
  command("XINFO", word("GROUPS"), key),
  command("COPY", key, key, options(word("REPLACE"))),
];

const hyperLogLogs = [
  command("PFADD", key, some(member, 0, 3)),
  command("PFCOUNT", some(key)),
  command("PFMERGE", key, some(key)),
  command("PFDEBUG", fc.constantFrom("DECODE", "ENCODING", "TODENSE"), key),
  command("STRLEN", key),
];
const longitude = fc.oneof(fc.integer({ min: -180, max: 180 }).map(String), fc.constantFrom("13.361389", "181", "x"));
const latitude = fc.oneof(fc.integer({ min: -85, max: 85 }).map(String), fc.constantFrom("38.115556", "86"));
const lengthOf = fc.oneof(fc.integer({ min: 0, max: 9000 }).map(String), fc.constantFrom("-1", "0.5", "x"));
const unit = fc.constantFrom("km", "KM", "mi", "m", "ft", "ly");
const geo = [
  command("GEOADD", key, options(word("NX"), word("XX"), word("CH")), longitude, latitude, member),
  command("GEOADD", key, longitude, latitude, member, longitude, latitude, member),
  command("GEODIST", key, member, member, unit),
  command("GEOPOS", key, some(member)),
  command("GEOHASH", key, some(member)),
  command(
    "GEORADIUS",
    key,
    longitude,
    latitude,
    lengthOf,
    unit,
    options(word("WITHDIST"), word("WITHCOORD"), word("WITHHASH"), word("STORE", "k3")),
  ),
  command("GEORADIUSBYMEMBER", key, member, lengthOf, unit, options(word("WITHDIST"), word("COUNT", "2", "ANY"))),
  command(
    "GEOSEARCH",
    key,
    fc.oneof(
      counted("FROMMEMBER", member),
      fc.tuple(longitude, latitude).map((at) => ["FROMLONLAT", ...at]),
    ),
    fc.oneof(
      fc.tuple(lengthOf, unit).map((size) => ["BYRADIUS", ...size]),
      fc.tuple(lengthOf, lengthOf, unit).map((size) => ["BYBOX", ...size]),
    ),
    options(word("WITHDIST"), word("WITHCOORD")),
  ),
  command("GEOSEARCHSTORE", key, key, word("FROMLONLAT"), longitude, latitude, word("BYRADIUS"), lengthOf, unit),
  command("ZREM", key, member),
];

/** What is generated together; a sequence of a group has up to 30 commands. */
export const generatedGroups: Readonly<Record<string, readonly Command[]>> = {
  strings: [...strings, ...generic],
  hashes,
  lists,
  sets,
  "sorted sets": sortedSets,
  "sorted sets by member": lexicographic,
  streams,
  hyperloglogs: [...hyperLogLogs, command("GET", key), command("APPEND", key, member)],
  geo,
  transactions,
  "all types on the same keys": [...strings, ...generic, ...hashes, ...lists, ...sets, ...sortedSets, ...streams],
};

/** Shows everything that the keys hold, whatever type they are of. */
export const inspection: readonly (readonly string[])[] = ["k1", "k2", "k3"].flatMap((name) => [
  ["TYPE", name],
  ["EXPIRETIME", name],
  ["GET", name],
  ["HGETALL", name],
  ["LRANGE", name, "0", "-1"],
  ["SMEMBERS", name],
  ["ZRANGE", name, "0", "-1", "WITHSCORES"],
  ["XINFO", "STREAM", name],
  ["XINFO", "GROUPS", name],
  ["XPENDING", name, "g"],
  ["OBJECT", "ENCODING", name],
]);
