import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readCommandLine } from "../../../../src/cli/server/command-line.js";
import { logLine } from "../../../../src/cli/server/log-line.js";
import { SettingsReader } from "../../../../src/cli/server/settings.js";
import { Config } from "../../../../src/server/config/config.js";

function started(...args: string[]): Config {
  const config = new Config();
  new SettingsReader(config).apply(readCommandLine(args).options);
  return config;
}

describe("the command line of redis-server", () => {
  // Each row as redis-server 7.0.15 understands it.
  it.each([
    [["redis.conf", "--port", "1"], "redis.conf", false, 'port "1" '],
    [["-"], null, true, ""],
    [["redis.conf", "--port", "1", "-"], "redis.conf", true, 'port "1" '],
    [[], null, false, ""],
    [["--maxmemory 700mb", "--hz", "20"], null, false, 'maxmemory 700mb \nhz "20" '],
    [["--save", "--loglevel", "verbose"], null, false, 'save ""\nloglevel "verbose" '],
    [["--loglevel", "verbose", "--save"], null, false, 'loglevel "verbose" \nsave ""'],
    [["--proc-title-template", "--x", "--hz", "1"], null, false, 'proc-title-template "--x" \nhz "1" '],
  ])("%j", (args, file, fromStdin, options) => expect(readCommandLine(args)).toEqual({ file, fromStdin, options }));

  it("takes words as they are", () => {
    const config = started(
      "--port",
      "7000",
      "--slaveof",
      "10.0.0.1",
      "6379",
      "--save",
      "",
      "--requirepass",
      'a "b" \\ c',
      "--logfile",
      "",
    );
    expect(config.number("port")).toBe(7000);
    expect(config.text("replicaof")).toBe("10.0.0.1 6379");
    expect(config.text("save")).toBe("");
    expect(config.text("requirepass")).toBe('a "b" \\ c');
  });

  it.each([
    [["--nosuch", "1"], "Bad directive or wrong number of arguments"],
    [["--port"], "wrong number of arguments"],
    [["--port", "1", "2"], "wrong number of arguments"],
    [["--port", "abc"], "argument couldn't be parsed into an integer"],
    [["--loadmodule", "x.so"], "modules cannot be loaded by this server"],
    [["--replicaof", "--127.0.0.1", "--abc"], "wrong number of arguments"],
    [["--shutdown-on-sigint"], "argument(s) must be one of the following: default, save, nosave, now, force"],
    [["--shutdown-on-sigint", "save nosave"], "shutdown options SAVE and NOSAVE can't be used simultaneously"],
    [["--sentinel"], "this server is no Sentinel"],
    [["--rename-command", "NOSUCH", "x"], "No such command in rename-command"],
    [["--rename-command", "GET", "SET"], "Target command name already exists"],
  ])("refuses %j", (args, reason) => expect(() => started(...args)).toThrow(reason));
});

describe("redis.conf", () => {
  it("knows comments, quotes, lines that add up, includes and renames", () => {
    const folder = mkdtempSync(join(tmpdir(), "ioreplica-settings-"));
    try {
      writeFileSync(join(folder, "a.conf"), "hz 20\n");
      writeFileSync(join(folder, "b.conf"), "min-slaves-to-write 2\n");
      const config = new Config({ save: "1 1" });
      const lines = [
        "# port 1",
        "  port 7000 ",
        'requirepass "a\\x41"',
        "save 900 1",
        "save 300 10",
        `include ${folder}/*.conf`,
        'rename-command FLUSHALL ""',
      ];
      const reader = new SettingsReader(config);
      reader.apply(lines.join("\r\n"));
      expect(config.number("port")).toBe(7000);
      expect(config.text("requirepass")).toBe("aA");
      expect(config.text("save")).toBe("900 1 300 10");
      expect(config.number("hz")).toBe(20);
      expect(config.number("min-replicas-to-write")).toBe(2);
      expect(config.renames).toEqual([["FLUSHALL", ""]]);
      reader.apply("save 60 1");
      expect(config.text("save")).toBe("900 1 300 10 60 1");
      reader.apply('save ""\nbind 127.0.0.1 ::1\nshutdown-on-sigterm "force now"');
      expect(["save", "bind", "shutdown-on-sigterm"].map((name) => config.text(name))).toEqual([
        "",
        "127.0.0.1 ::1",
        "now force",
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("names the line that is wrong", () => {
    expect(() => new SettingsReader(new Config()).apply("port 1\n\nhz x")).toThrow("line 3: 'hz x'");
    expect(() => new SettingsReader(new Config()).apply('requirepass "a')).toThrow("Unbalanced quotes");
  });
});

describe("logLine", () => {
  it("looks like redis-server's", () => {
    const time = new Date(2026, 10, 2, 9, 5, 7, 42);
    expect(logLine(12, "M", time, "notice", "Ready")).toBe("12:M 02 Nov 2026 09:05:07.042 * Ready");
  });
});
