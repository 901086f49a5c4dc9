import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { clientOptions, type TargetFlags, UsageError } from "../../../src/cli/target/flags.js";
import { resolveOptions } from "../../../src/client/options/resolve.js";

const file = (path: string): Buffer => Buffer.from(`content of ${path}`);

describe("the flags that say where a deployment is", () => {
  it("addresses are nodes of unsaid roles", () => {
    expect(clientOptions(["redis://a:1", "b:2"], {})).toEqual({ nodes: ["redis://a:1", "b:2"], redisOptions: {} });
  });

  it("user, password and certificates hold for all nodes", () => {
    const flags = { user: "me", password: "p", tls: true, cacert: "ca", cert: "c", key: "k", sni: "s", insecure: true };
    expect(clientOptions(["a:1"], flags, file).redisOptions).toEqual({
      username: "me",
      password: "p",
      tls: { ca: file("ca"), cert: file("c"), key: file("k"), servername: "s", rejectUnauthorized: false },
    });
    expect(clientOptions(["rediss://a:1"], { cacert: "ca" }, file).redisOptions).toEqual({ tls: { ca: file("ca") } });
    expect(clientOptions(["a:1"], { tls: true }).redisOptions).toEqual({ tls: {} });
  });

  it("Sentinels have their own", () => {
    const flags = {
      sentinel: ["s1", "s2:26380", "[::1]:26381"],
      name: "mymaster",
      sentinelUser: "u",
      sentinelPassword: "p",
      sentinelTls: true,
      cacert: "ca",
    };
    expect(clientOptions([], flags, file)).toEqual({
      sentinels: [
        { host: "s1", port: 26_379 },
        { host: "s2", port: 26_380 },
        { host: "::1", port: 26_381 },
      ],
      name: "mymaster",
      sentinelUsername: "u",
      sentinelPassword: "p",
      enableTLSForSentinelMode: true,
      sentinelTLS: { ca: file("ca") },
      redisOptions: {},
    });
  });

  it("addresses are mapped as --nat says", () => {
    expect(clientOptions(["a:1"], { nat: ["172.17.0.2:6379=127.0.0.1:7001"] }).natMap).toEqual({
      "172.17.0.2:6379": { host: "127.0.0.1", port: 7001 },
    });
  });

  it.each<[string, readonly string[], TargetFlags]>([
    ["no address", [], {}],
    ["addresses and Sentinels", ["a:1"], { sentinel: ["s"], name: "m" }],
    ["Sentinels without a name", [], { sentinel: ["s"] }],
    ["a name without Sentinels", ["a:1"], { name: "m" }],
    ["TLS of Sentinels without Sentinels", ["a:1"], { sentinelTls: true }],
    ["a certificate without its key", ["rediss://a:1"], { cert: "c" }],
    ["certificates without TLS", ["redis://a:1"], { cacert: "ca" }],
    ["a user without a password", ["a:1"], { user: "me" }],
    ["half a mapping", ["a:1"], { nat: ["1.2.3.4:6379"] }],
    ["a port that is none", [], { sentinel: ["s:x"], name: "m" }],
  ])("refuses %s", (_, urls, flags) => {
    expect(() => clientOptions(urls, flags, file)).toThrow(UsageError);
  });

  it("what is made of them shows no password", () => {
    const resolved = resolveOptions(clientOptions(["redis://u:c4n4ry@a:1"], { password: "c4n4ry" }));
    expect(inspect(resolved, { depth: 9 }) + JSON.stringify(resolved)).not.toContain("c4n4ry");
  });
});
