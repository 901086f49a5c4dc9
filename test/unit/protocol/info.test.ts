import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { NotInfoError, parseFence, parseReplicationInfo, parseServerInfo } from "../../../src/protocol/info.js";

interface Row {
  readonly name: string;
  readonly lines: readonly string[];
  readonly info?: Record<string, unknown>;
  readonly fence?: Record<string, unknown> | null;
  readonly missing?: string;
}

const KEYS = ["name", "lines", "info", "fence", "missing"];
const table = JSON.parse(readFileSync(new URL("../../spec/info.json", import.meta.url), "utf8")) as Row[];

describe("INFO as the table has it", () => {
  for (const row of table) {
    it(row.name, () => {
      expect(Object.keys(row).filter((key) => !KEYS.includes(key))).toEqual([]);
      const text = row.lines.map((line) => `${line}\r\n`).join("");
      if (row.missing !== undefined) {
        expect(() => parseReplicationInfo(text)).toThrow(NotInfoError);
        expect(() => parseReplicationInfo(text)).toThrow(`no usable field ${row.missing}`);
      }
      if (row.info !== undefined) expect(parseReplicationInfo(text)).toMatchObject(row.info);
      if (row.fence === null) expect(parseFence(text)).toBeNull();
      if (row.fence) expect(parseFence(text)).toMatchObject(row.fence);
      expect(row.missing !== undefined || row.info !== undefined).toBe(true);
    });

    it(`${row.name}: fence and whole reading agree, as text and as bytes, with either line end`, () => {
      for (const end of ["\r\n", "\n"]) {
        const text = row.lines.join(end) + end;
        const fence = parseFence(text);
        expect(parseFence(Buffer.from(text))).toEqual(fence);
        if (fence === null) continue;
        expect(parseReplicationInfo(text)).toMatchObject(fence);
      }
      if (row.info !== undefined) expect(parseFence(row.lines.join("\r\n"))).not.toBeNull();
    });
  }
});

describe("parseFence", () => {
  it("takes no text that merely contains the words", () => {
    expect(parseFence("$5 role:master master_replid:abc master_repl_offset:5")).toBeNull();
    expect(parseFence("")).toBeNull();
    expect(parseFence("OK")).toBeNull();
    expect(parseFence("role:master")).toBeNull();
  });

  it("takes no offset that is not a number, and no half number", () => {
    const text = (offset: string) => `role:master\r\nmaster_replid:abc\r\nmaster_repl_offset:${offset}\r\n`;
    expect(parseFence(text("12"))?.offset).toBe(12);
    for (const bad of ["", "x", "1x", "-", "1 "]) expect(parseFence(text(bad)), bad).toBeNull();
  });
});

describe("parseServerInfo", () => {
  it("reads what names the process", () => {
    const text =
      "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nrun_id:abc\r\ntcp_port:6379\r\n# Persistence\r\nloading:1\r\nasync_loading:0\r\n";
    expect(parseServerInfo(text)).toEqual({
      runId: "abc",
      mode: "standalone",
      version: "7.0.15",
      redirects: false,
      tcpPort: 6379,
      availabilityZone: null,
      loading: true,
    });
  });

  it("knows Valkey's own words, cluster and sentinel", () => {
    const text =
      "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.0\r\nserver_mode:cluster\r\nrun_id:a\r\navailability_zone:eu-1a\r\n";
    expect(parseServerInfo(text)).toMatchObject({
      version: "8.1.0",
      redirects: true,
      mode: "cluster",
      availabilityZone: "eu-1a",
      loading: false,
    });
    expect(parseServerInfo("redis_mode:sentinel\r\nrun_id:a\r\n").mode).toBe("sentinel");
    expect(parseServerInfo("loading:0\r\n")).toMatchObject({ runId: null, loading: false });
  });

  it("refuses what is none, without quoting it", () => {
    expect(() => parseServerInfo("secret-value-of-a-user")).toThrow(NotInfoError);
    expect(() => parseServerInfo("secret-value-of-a-user")).not.toThrow(/secret/);
  });
});
