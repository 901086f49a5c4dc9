import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { logLine } from "../../../../src/cli/server/log-line.js";
import { applySettings, readCommandLine } from "../../../../src/cli/server/settings.js";
import { Config } from "../../../../src/server/config/config.js";

function started(...args: string[]): Config {
  const config = new Config();
  applySettings(config, readCommandLine(args).options);
  return config;
}

describe("the command line of redis-server", () => {
  it("is a file, if any, and directives with their values", () => {
    expect(readCommandLine(["redis.conf", "--port", "1"])).toEqual({ file: "redis.conf", options: "port 1" });
    expect(readCommandLine(["-"]).file).toBe("-");
    expect(readCommandLine([])).toEqual({ file: null, options: "" });
  });

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
      applySettings(config, lines.join("\r\n"));
      expect(config.number("port")).toBe(7000);
      expect(config.text("requirepass")).toBe("aA");
      expect(config.text("save")).toBe("900 1 300 10");
      expect(config.number("hz")).toBe(20);
      expect(config.number("min-replicas-to-write")).toBe(2);
      expect(config.renames).toEqual([["FLUSHALL", ""]]);
      applySettings(config, 'save ""\nbind 127.0.0.1 ::1');
      expect([config.text("save"), config.text("bind")]).toEqual(["", "127.0.0.1 ::1"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("names the line that is wrong", () => {
    expect(() => applySettings(new Config(), "port 1\n\nhz x")).toThrow("line 3: 'hz x'");
    expect(() => applySettings(new Config(), 'requirepass "a')).toThrow("Unbalanced quotes");
  });
});

describe("logLine", () => {
  it("looks like redis-server's", () => {
    const time = new Date(2026, 10, 2, 9, 5, 7, 42);
    expect(logLine(12, "M", time, "notice", "Ready")).toBe("12:M 02 Nov 2026 09:05:07.042 * Ready");
  });
});
