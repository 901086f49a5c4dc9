import { describe, expect, it } from "vitest";
import { Config, findDirective } from "../../../../src/server/config/config.js";
import { directives } from "../../../../src/server/config/directives.js";
import { parseValue } from "../../../../src/server/config/parse-value.js";
import { rewrittenText } from "../../../../src/server/config/rewrite.js";

function read(name: string, text: string): string {
  const directive = findDirective(name);
  if (directive === undefined) throw new Error(`no directive ${name}`);
  const parsed = parseValue(directive, text);
  return "value" in parsed ? parsed.value : `! ${parsed.error}`;
}

describe("directives", () => {
  it.each(
    directives
      .filter(({ name }) => name !== "replicaof") // It has no words for "none".
      .map((directive) => [directive.name, directive] as const),
  )("%s takes its own default", (_name, directive) => {
    expect(parseValue(directive, directive.fallback)).toEqual({ value: directive.fallback });
  });

  it("have names and aliases of their own", () => {
    const names = directives.flatMap(({ name, alias }) => [name, ...(alias === undefined ? [] : [alias])]);
    expect(new Set(names).size).toBe(names.length);
  });

  // As redis-server 7.0.15 answers CONFIG SET.
  it.each([
    ["maxmemory", "1kb", "1024"],
    ["maxmemory", "2G", "2000000000"],
    ["maxmemory", "foo", "! argument must be a memory value"],
    ["maxmemory", "-1", "! argument must be a memory value"],
    ["port", "99999999", "! argument must be between 0 and 65535 inclusive"],
    ["port", "x", "! argument couldn't be parsed into an integer"],
    ["hz", "100000", "500"],
    ["appendonly", "foo", "! argument must be 'yes' or 'no'"],
    ["appendonly", "YES", "yes"],
    ["loglevel", "foo", "! argument(s) must be one of the following: debug, verbose, notice, warning"],
    ["shutdown-on-sigterm", "now save", "save now"],
    ["shutdown-on-sigterm", "save nosave", "! shutdown options SAVE and NOSAVE can't be used simultaneously"],
    ["oom-score-adj", "relative", "yes"],
    ["maxmemory-clients", "5%", "5%"],
    ["maxmemory-clients", "200%", "! percentage argument must be less or equal to 100"],
    ["maxmemory-clients", "x", "! argument must be a memory or percent value"],
    ["slowlog-max-len", "9223372036854775807", "9223372036854775807"],
    ["slowlog-max-len", "9223372036854775808", "! argument couldn't be parsed into an integer"],
    ["slowlog-max-len", "-1", "! argument must be between 0 and 9223372036854775807 inclusive"],
    ["unixsocketperm", "7777", "! argument must be between 0 and 777 inclusive"],
    ["appendfilename", "a/b", "! appendfilename can't be a path, just a filename"],
    ["proc-title-template", "{nosuch}", "! template format is invalid or contains unknown variables"],
    ["latency-tracking-info-percentiles", "", ""],
    [
      "latency-tracking-info-percentiles",
      "50 101",
      "! latency-tracking-info-percentiles parameters should sit between [0.0,100.0]",
    ],
    ["save", "100 1 300 10", "100 1 300 10"],
    ["save", "1 2 3", "! Invalid save parameters"],
    ["save", "", ""],
    ["notify-keyspace-events", "KEA", "AKE"],
    ["notify-keyspace-events", "Q", "! Invalid event class character. Use 'Ag$lshzxeKEtmdn'."],
    [
      "client-output-buffer-limit",
      "pubsub 1mb 2mb 3",
      "normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 2097152 3",
    ],
    ["client-output-buffer-limit", "foo 1 2 3", "! Invalid client class specified in buffer limit configuration."],
    ["oom-score-adj-values", "1 2", "! wrong number of arguments"],
    ["replicaof", "no one", ""],
    ["slaveof", "127.0.0.1 6379", "127.0.0.1 6379"],
    ["unixsocketperm", "999", "! argument couldn't be parsed as an octal number"],
  ])("%s %s → %s", (name, text, shown) => expect(read(name, text)).toBe(shown));
});

describe("Config", () => {
  it("reads values by type and by either name", () => {
    const config = new Config({ "slave-priority": 7, "repl-backlog-size": "64kb", "replica-read-only": false });
    expect(config.number("replica-priority")).toBe(7);
    expect(config.number("repl-backlog-size")).toBe(65536);
    expect(config.flag("replica-read-only")).toBe(false);
    expect(() => config.text("slave-priority")).toThrow(RangeError);
    expect(() => new Config({ nosuch: 1 })).toThrow("bad value for 'nosuch': unknown directive");
    expect(() => new Config({ hz: "x" })).toThrow("bad value for 'hz'");
  });

  it("tells who listens, until that is ended", () => {
    const config = new Config();
    const told: (readonly string[])[] = [];
    const stop = config.onChange((names) => told.push(names));
    config.set("slave-priority", 3);
    stop();
    config.set("replica-priority", 4);
    expect(told).toEqual([["replica-priority"]]);
  });
});

describe("CONFIG REWRITE", () => {
  it("keeps comments and order, replaces what changed, adds what is new, drops a master that is gone", () => {
    const config = new Config({ port: 7000, save: "10 1 20 2", requirepass: 'a "b"', hz: 10 });
    const old = "# mine\nport 6379\n\nhz 10\nslaveof 127.0.0.1 1\nsave 1 1\nsave 2 2\n";
    expect(rewrittenText(config, old, "")).toBe(
      "# mine\nport 7000\n\nhz 10\n\nsave 10 1\nsave 20 2\n\n# Generated by CONFIG REWRITE\n" +
        'requirepass "a \\"b\\""\nlatency-tracking-info-percentiles 50 99 99.9\ndir "."\n',
    );
    expect(rewrittenText(config, rewrittenText(config, old, ""), "")).toBe(rewrittenText(config, old, ""));
    expect(rewrittenText(config, old, "10.0.0.1 6380")).toContain("replicaof 10.0.0.1 6380\n");
  });

  it("spells event classes as CONFIG GET does: n is left out beside A", () => {
    const line = (classes: string): string | undefined =>
      /notify.*/.exec(rewrittenText(new Config({ "notify-keyspace-events": classes }), "", ""))?.[0];
    expect(line("AEn")).toBe('notify-keyspace-events "AE"');
    expect(line("mEng")).toBe('notify-keyspace-events "gnEm"');
  });
});
