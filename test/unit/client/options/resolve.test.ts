import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import {
  accessOf,
  type ReplicatedClientOptions,
  redactedRedisOptions,
  resolveOptions,
} from "../../../../src/client/options.js";

const messageOf = (input: unknown): string => {
  try {
    resolveOptions(input as ReplicatedClientOptions);
  } catch (error) {
    expect(error).toMatchObject({
      code: "IOREPLICA_INVALID_OPTION",
      retriable: false,
      sent: "no",
      name: "InvalidOptionError",
    });
    return (error as Error).message;
  }
  throw new Error(`${inspect(input)} was accepted`);
};
const seed = (address: string) => resolveOptions(address).seeds[0];

describe("a transport", () => {
  const transport = { connect: () => ({}) as never };

  it.each([
    [{ master: "h", transport: 1 }, 'Option "transport" must be an object with connect({ host, port }); got a number'],
    [{ dev: true, transport }, 'Option "transport" does not go with dev'],
    [{ master: "h", lookup: () => {}, transport }, 'Option "transport" does not go with lookup'],
    [{ master: "rediss://h", transport }, 'Option "transport" does not go with TLS'],
    [{ master: "h", redisOptions: { tls: {} }, transport }, 'Option "transport" does not go with TLS'],
    [
      { sentinels: [{}], name: "m", enableTLSForSentinelMode: true, transport },
      'Option "transport" does not go with TLS',
    ],
    [{ master: "/run/redis.sock", transport }, "reaches hosts and ports; /run/redis.sock is a unix socket"],
  ])("%o is refused", (options, message) => {
    expect(messageOf(options)).toContain(message);
  });
});

describe("addresses", () => {
  const none = { username: null, password: null, tls: null };
  it.each([
    ["redis://10.0.0.1:6380", { address: { host: "10.0.0.1", port: 6380 }, id: "10.0.0.1:6380", ...none }],
    ["redis://h", { address: { host: "h", port: 6379 }, id: "h:6379", ...none }],
    ["h:7000", { address: { host: "h", port: 7000 }, ...none }],
    ["h", { address: { host: "h", port: 6379 } }],
    ["REDIS://h", { address: { host: "h", port: 6379 } }],
    ["my_host.internal:1", { address: { host: "my_host.internal", port: 1 } }],
    ["redis://[::1]:7000", { address: { host: "::1", port: 7000 } }],
    ["[fe80::1]", { address: { host: "fe80::1", port: 6379 } }],
    ["redis://user:p%40ss@h", { username: "user", password: "p@ss" }],
    ["redis://:pass@h", { username: null, password: "pass" }],
    ["rediss://h", { tls: {} }],
    ["/run/redis.sock", { address: { path: "/run/redis.sock" }, id: "/run/redis.sock" }],
    ["unix:///run/redis.sock", { address: { path: "/run/redis.sock" } }],
  ])("%s", (input, expected) => expect(seed(input)).toMatchObject(expected));

  it.each([
    ["redis://h/3", 3],
    ["redis://h/", 0],
    ["redis://h?db=4", 4],
    ["/run/redis.sock?db=2", 2],
  ])("%s is database %i", (input, db) => expect(resolveOptions(input)).toMatchObject({ db, redis: { db } }));

  it.each([
    "",
    " h",
    "http://h",
    "redis://",
    "redis://h:0",
    "redis://h:70000",
    "redis://h:port",
    "redis://h/x",
    "redis://h/-1",
    "redis://h?timeout=3",
    "redis://a b",
    "h/1",
    "::1",
    "redis://u:%zz@h",
    "unix://relative",
  ])("%j is refused and the forms are named", (input) => {
    expect(messageOf(input)).toMatch(/^Option "url" .*allowed: redis:\/\/\[user:password@\]host/);
  });

  it.each([
    ["{}", {}, /"master" must name a host, a port or a path/],
    ["a number", 6379, /"master" must be redis:.*got a number/],
    ["a port that is text", { host: "h", port: "6379" }, /"master.port" must be a port from 1 to 65535; got "6379"/],
    ["host and path", { host: "h", path: "/x" }, /either path or host/],
    ["host:port as host", { host: "h:1" }, /"master.host"/],
    ["a typo", { hosst: "h" }, /"master.hosst" is unknown; did you mean "host"\?/],
    ["a password that is a number", { host: "h", password: 7301 }, /"master.password" must be a string; got a number/],
    ["a zone without a name", { host: "h", zone: "" }, /"master.zone" must be a text of 1 to 256 characters; got ""/],
    ["tags that are a list", { host: "h", tags: ["ssd"] }, /"master.tags" must be an object; got an array/],
    ["a tag that is no text", { host: "h", tags: { disk: 1 } }, /"master.tags.disk" must be a text .*; got a number/],
    ["tls as a word", { host: "h", tls: true }, /"master.tls" must be an object/],
  ])("an object with %s is refused", (_name, master, message) => expect(messageOf({ master })).toMatch(message));

  it("an IPv6 host may stand bare or in brackets in an object", () => {
    for (const host of ["::1", "[::1]"]) {
      expect(resolveOptions({ master: { host, port: 1 } }).seeds[0]?.address).toEqual({ host: "::1", port: 1 });
    }
  });
});

describe("exactly one way to name nodes", () => {
  it.each([
    ["none", {}, /got none/],
    ["two", { nodes: ["a"], master: "b" }, /got nodes and master/],
    ["dev false is none", { dev: false }, /got none/],
    ["nothing at all", undefined, /needs a URL or an object of options; got undefined/],
    ["an array", ["a"], /got an array/],
    ["no nodes", { nodes: [] }, /"nodes" must name at least one/],
    ["a node twice", { nodes: ["a", "redis://a:6379"] }, /names a:6379 twice/],
    ["replicas without master", { nodes: ["a"], replicas: ["b"] }, /"replicas" goes only with master/],
    ["name without sentinels", { nodes: ["a"], name: "m" }, /"name" goes only with sentinels/],
    ["sentinels without name", { sentinels: [{ host: "s" }] }, /"name" must be the name/],
    ["sentinelTLS without its switch", { sentinels: [{}], name: "m", sentinelTLS: {} }, /enableTLSForSentinelMode/],
    ["dev with a typo", { dev: { replica: 1 } }, /"dev.replica" is unknown; did you mean "replicas"/],
    ["host at the top", { host: "h" }, /\{ master: \{ host, port \} \}/],
    ["an option of ioredis at the top", { master: "a", password: "x" }, /redisOptions: \{ password: … \}/],
    ["an option of a view at the top", { master: "a", ack: {} }, /client\.with\(\{ ack: … \}\)/],
  ])("%s", (_name, input, message) => expect(messageOf(input)).toMatch(message));

  it("roles are hints: master and replicas", () => {
    const { source, seeds } = resolveOptions({ master: "a", replicas: ["b", { host: "c", port: 1 }] });
    expect(source).toEqual({ kind: "master" });
    expect(seeds.map(({ id, role }) => [id, role])).toEqual([
      ["a:6379", "master"],
      ["b:6379", "replica"],
      ["c:1", "replica"],
    ]);
  });

  it("Sentinels as ioredis spells them", () => {
    const input: ReplicatedClientOptions = {
      sentinels: [{ host: "s1", port: 26380 }, { host: "s2" }],
      name: "mymaster",
      sentinelUsername: "su",
      sentinelPassword: "sp",
      enableTLSForSentinelMode: true,
      updateSentinels: false,
    };
    expect(resolveOptions(input).source).toEqual({
      kind: "sentinels",
      sentinels: [
        { host: "s1", port: 26380 },
        { host: "s2", port: 26379 },
      ],
      name: "mymaster",
      username: "su",
      password: "sp",
      tls: {},
      updateSentinels: false,
    });
  });

  it("dev servers", () => {
    expect(resolveOptions({ dev: true }).source).toEqual({ kind: "dev", replicas: 2, lagMs: 0, port: 0 });
    expect(resolveOptions({ dev: { lagMs: 20 } }).source).toEqual({ kind: "dev", replicas: 2, lagMs: 20, port: 0 });
  });
});

describe("who is let in, and how", () => {
  it("credentials and TLS of the first node hold for those that are discovered", () => {
    const options = resolveOptions("rediss://u:p@h");
    expect(accessOf(options, "discovered:6379")).toEqual({ username: "u", password: "p", tls: {} });
    expect(accessOf(options, "h:6379")).toMatchObject({ username: "u", password: "p", tls: {} });
  });

  it("a node's own credentials stand above the shared ones, and are not mixed with them", () => {
    const options = resolveOptions({
      nodes: ["redis://:own@a", "b"],
      redisOptions: { username: "shared", password: "s" },
    });
    expect(accessOf(options, "a:6379")).toMatchObject({ username: null, password: "own" });
    expect(accessOf(options, "b:6379")).toMatchObject({ username: "shared", password: "s" });
    expect(accessOf(options, "c:6379")).toMatchObject({ username: "shared", password: "s" });
  });

  it("redis: beside rediss: stays plain text, unless TLS is asked for by redisOptions", () => {
    expect(resolveOptions({ nodes: ["rediss://a", "redis://b", "c"] }).seeds.map(({ tls }) => tls)).toEqual([
      {},
      null,
      {},
    ]);
    const ca = Buffer.from("ca");
    expect(
      resolveOptions({ nodes: ["rediss://a", "redis://b"], redisOptions: { tls: { ca } } }).seeds.map(({ tls }) => tls),
    ).toEqual([{ ca }, { ca }]);
  });

  it("one database for all nodes", () => {
    expect(resolveOptions({ nodes: ["redis://a/2", "redis://b/2", "c"] }).db).toBe(2);
    expect(messageOf({ nodes: ["redis://a/2", "redis://b/3"] })).toMatch(
      /"db" must be the same for all nodes; got 2 and, for b:6379, 3/,
    );
    expect(messageOf({ nodes: ["redis://a/2"], redisOptions: { db: 1 } })).toMatch(/"db" must be the same/);
  });
});

describe("redisOptions", () => {
  it("passes what belongs to a connection or to the façade", () => {
    const redisOptions = {
      keyPrefix: "p:",
      connectTimeout: 50,
      family: 4,
      protocol: 2,
      stringNumbers: true,
      connectionName: "n",
      noDelay: false,
    } as const;
    expect(resolveOptions({ master: "a", redisOptions }).redis).toEqual({ ...redisOptions, db: 0 });
  });

  it.each([
    ["retryStrategy", () => 1, /can't be set: .*failoverTimeoutMs/],
    ["sentinels", [{}], /beside redisOptions/],
    ["host", "h", /addresses belong in nodes, master or replicas/],
    ["path", "/x", /addresses belong/],
    ["Connector", class {}, /own connections/],
    ["enableOfflineQueue", false, /limits\.queuedCommands/],
    ["maxRetriesPerRequest", 3, /can't be set/],
    ["lazyConnect", true, /beside redisOptions/],
    ["role", "slave", /readFrom/],
    ["socketTimeout", 5, /heartbeatTimeoutMs finds a server that hangs/],
    ["blockingTimeout", 5, /timeoutMs of a view/],
    ["passwort", "x", /is unknown; did you mean "password"\?/],
    ["__proto__x", 1, /is unknown/],
    ["constructor", 1, /is unknown/],
    ["protocol", 4, /must be 2 or 3; got 4/],
    ["connectTimeout", -1, /integer from 1 to/],
    ["db", "0", /must be the number of a database; got "0"/],
    ["connectionName", "a b", /without blanks/],
    ["scripts", { s: {} }, /scripts\.s\.lua/],
  ])("%s: %o is refused", (name, value, message) => {
    expect(messageOf({ master: "a", redisOptions: { [name]: value } })).toMatch(message);
  });

  it("takes what asks for just what the client does, and null for nothing", () => {
    const redisOptions = {
      maxRetriesPerRequest: null,
      enableReadyCheck: true,
      enableAutoPipelining: false,
      password: null,
      tls: undefined,
    };
    expect(resolveOptions({ master: "a", redisOptions: redisOptions as never }).redis).toEqual({ db: 0 });
  });

  it("resp3 replies need protocol 3", () => {
    expect(messageOf({ master: "a", redisOptions: { protocol: 2, replyMapping: "resp3" } })).toMatch(/replyMapping/);
  });
});

describe("values", () => {
  it.each([
    ["pollIntervalMs", "1s", 'Option "pollIntervalMs" must be an integer from 10 to 2147483647 milliseconds; got "1s"'],
    ["pollIntervalMs", 9, 'Option "pollIntervalMs" must be an integer from 10 to 2147483647 milliseconds; got 9'],
    ["maxStalenessMs", 0.5, 'Option "maxStalenessMs" must be an integer from 1 to 2147483647 milliseconds; got 0.5'],
    [
      "maxStalenessMs",
      Number.NaN,
      'Option "maxStalenessMs" must be an integer from 1 to 2147483647 milliseconds; got NaN',
    ],
    [
      "maxLagBytes",
      Number.POSITIVE_INFINITY,
      'Option "maxLagBytes" must be an integer from 0 to 1099511627776 bytes; got Infinity',
    ],
    ["maxLagBytes", 5n, 'Option "maxLagBytes" must be an integer from 0 to 1099511627776 bytes; got 5n'],
    ["verifyReads", "no", 'Option "verifyReads" must be true or false; got "no"'],
    ["lazyConnect", null, 'Option "lazyConnect" must be true or false; got null'],
    [
      "consistency",
      "Strong",
      'Option "consistency" must be one of "eventual", "session", "strong"; got "Strong"; did you mean "strong"?',
    ],
    ["onSplitBrain", 1, 'Option "onSplitBrain" must be one of "newest", "stay", "stop"; got 1'],
    ["limits", 5, 'Option "limits" must be an object; got a number'],
    ["limits", { sampels: 3 }, 'Option "limits.sampels" is unknown; did you mean "samples"?'],
    ["pool", { max: 0 }, 'Option "pool.max" must be an integer from 1 to 100000; got 0'],
    ["credentials", "x", 'Option "credentials" must be a function; got a string'],
    ["natMap", { a: { host: "h" } }, 'Option "natMap.a" must be { host: string, port: number }'],
    ["polIntervalMs", 5, 'Option "polIntervalMs" is unknown; did you mean "pollIntervalMs"?'],
    ["maxStaleness", 5, 'Option "maxStaleness" is unknown; did you mean "maxStalenessMs"?'],
    ["readfrom", "master", 'Option "readfrom" is unknown; did you mean "readFrom"?'],
  ])("%s: %o", (name, value, message) => expect(messageOf({ master: "a", [name]: value })).toBe(message));

  it("undefined is the same as not given", () => {
    const input = {
      master: "a",
      replicas: undefined,
      pollIntervalMs: undefined,
      limits: { samples: undefined },
      readFrom: undefined,
    };
    expect(resolveOptions(input)).toEqual(resolveOptions({ master: "a" }));
  });

  it("readFrom replica needs that there can be one", () => {
    expect(messageOf({ master: "a", discoverReplicas: false, readFrom: "replica" })).toMatch(
      /"readFrom" must not be "replica"/,
    );
    expect(messageOf({ dev: { replicas: 0 }, readFrom: "replica" })).toMatch(/"readFrom" must not be "replica"/);
    expect(
      resolveOptions({ master: "a", replicas: ["b"], discoverReplicas: false, readFrom: "replica" }).view.readFrom,
    ).toBe("replica");
    expect(resolveOptions({ master: "a", readFrom: "replica" }).view.readFrom).toBe("replica");
    expect(resolveOptions({ nodes: ["a", "b"], discoverReplicas: false, readFrom: "replica" }).view.readFrom).toBe(
      "replica",
    );
  });
});

describe("what comes out", () => {
  const secret = "canary-4711";
  const options = resolveOptions({
    master: `redis://:${secret}@a/1`,
    replicas: [{ host: "b", password: secret, tls: { passphrase: secret, key: secret, pfx: Buffer.from(secret) } }],
    redisOptions: { keyPrefix: "p:", tls: { key: Buffer.from(secret) } },
  });

  it("is frozen all the way down, and what was given is not", () => {
    const given = { master: "a", limits: { samples: 5 }, redisOptions: { tls: { ca: Buffer.from("x") } } };
    const resolved = resolveOptions(given);
    const walk = (value: unknown): void => {
      if (typeof value !== "object" || value === null || Buffer.isBuffer(value)) return;
      expect(Object.isFrozen(value)).toBe(true);
      for (const item of Object.values(value)) walk(item);
    };
    walk(resolved);
    expect(Object.isFrozen(given.limits) || Object.isFrozen(given.redisOptions.tls)).toBe(false);
    expect(resolved.redis.tls?.ca).toBe(given.redisOptions.tls.ca);
  });

  it("shows no secret when inspected or turned to JSON, in whole or in part", () => {
    const sentinels = resolveOptions({
      sentinels: [{}],
      name: "m",
      sentinelPassword: secret,
      redisOptions: { password: secret },
    });
    for (const value of [
      options,
      options.redis,
      options.seeds,
      options.seeds[0],
      sentinels,
      sentinels.source,
      redactedRedisOptions(options),
      redactedRedisOptions(sentinels),
    ]) {
      const shown = `${inspect(value, { depth: 20, showHidden: true })} ${JSON.stringify(value)}`;
      expect(shown).not.toContain(secret);
      expect(shown).not.toContain("63 61 6e 61 72 79"); // the same as a Buffer is shown
    }
    expect(options.seeds[0]?.password).toBe(secret);
  });

  it("has ioredis's shape for libraries that look into options", () => {
    expect(redactedRedisOptions(options)).toMatchObject({
      host: "a",
      port: 6379,
      db: 1,
      keyPrefix: "p:",
      password: "***",
      maxRetriesPerRequest: null,
    });
    expect(redactedRedisOptions(resolveOptions("/run/redis.sock"))).toMatchObject({ path: "/run/redis.sock", db: 0 });
    expect(redactedRedisOptions(resolveOptions({ sentinels: [{ host: "s" }], name: "m" }))).toMatchObject({
      name: "m",
      sentinels: [{ host: "s", port: 26379 }],
    });
  });

  it("no error repeats a secret, wherever it was put", () => {
    const wrong: unknown[] = [
      `redis://u:${secret}@h:x`,
      `redis://u:${secret}#@h`,
      `redis://user:${secret}`,
      `${secret}:${secret}`,
      `redis://h/${secret}`,
      `redis://h?password=${secret}`,
      `http://u:${secret}@h`,
      { master: { host: `u:${secret}@h` } },
      { master: { host: "h", password: [secret] } },
      { master: { host: "h", port: { secret } } },
      { master: "h", redisOptions: { password: { secret } } },
      { master: "h", redisOptions: { password: 4711n } },
      { master: "h", password: secret },
      { master: "h", redisOptions: { tls: secret } },
      { sentinels: [{ host: "s" }], name: "m", sentinelPassword: [secret] },
      { sentinels: secret, name: "m" },
      { nodes: secret },
    ];
    for (const input of wrong) expect(messageOf(input)).not.toMatch(/4711/);
  });
});
