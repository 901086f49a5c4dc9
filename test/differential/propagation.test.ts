import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { DevServer } from "ioreplica/dev";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { splitArguments } from "../../src/protocol/resp/split-arguments.js";
import { eventually } from "../support/eventually.js";
import { RawClient } from "../support/raw-client.js";
import { ReplicationTap } from "../support/replication-tap.js";

/** A row of the capture: a command, on the first connection or left waiting on a second one, and what it sent. */
interface Row {
  readonly command: string;
  readonly waits: boolean;
  readonly stream: string;
}

/** The rows by section. */
function sections(): Map<string, Row[]> {
  const found = new Map<string, Row[]>();
  let rows: Row[] = [];
  const text = readFileSync(new URL("../fixtures/propagation-7.0.15.txt", import.meta.url), "latin1");
  for (const line of text.split("\n")) {
    if (line.startsWith("## ")) found.set(line.slice(3), (rows = []));
    if (line === "" || line.startsWith("#")) continue;
    const waits = line.startsWith("!2 ");
    const [left = "", stream = ""] = line.slice(waits ? 3 : 0).split(" || ");
    const command = (left.split(" => ")[0] ?? "").trim();
    rows.push({ command, waits, stream: stream.trim() });
  }
  return found;
}

/** What may differ from run to run: absolute times, how many ids fall into one of them, and which members chance picked. */
function settled(stream: string): string {
  return stream
    .replace(/\b1\d{12}\b/g, "<ms>")
    .replace(/SREM (ss?) \w+/g, "SREM $1 <member>")
    .replace(/<ms>-\d+/g, "<ms>-<seq>");
}

describe("the replication stream is the one that redis-server 7.0.15 sends", () => {
  let server: DevServer;
  let client: RawClient;
  let second: RawClient;
  let tap: ReplicationTap;

  beforeAll(async () => {
    server = await DevServer.start({ seed: 7, config: { "enable-debug-command": "local" } });
    client = await RawClient.connect(server.port);
    tap = await ReplicationTap.attach(server.port);
  });
  afterAll(async () => {
    for (const connection of [client, second, tap]) connection?.close();
    await server?.stop();
  });

  async function masterOffset(): Promise<number> {
    const info = await client.call("INFO", "replication");
    return Number(/master_repl_offset:(\d+)/.exec("text" in info ? info.text : "")?.[1]);
  }

  async function blocked(): Promise<boolean> {
    const info = await client.call("INFO", "clients");
    return "text" in info && info.text.includes("blocked_clients:1\r\n");
  }

  /** Runs a row; what it put into the stream. A MULTI hides the stream, and INFO with it, until its EXEC. */
  async function run(row: Row): Promise<string> {
    if (row.command.startsWith("!sleep")) {
      // Keys of 30 and 50 ms must really have expired: this is the time that the row is about.
      await sleep(80);
      return settled(row.stream);
    }
    // The capture was typed in a shell's quotes, where \n is two characters.
    const args = splitArguments(row.command.replaceAll("\\n", "\\\\n")) ?? [];
    if (row.waits) {
      second?.close();
      second = await RawClient.connect(server.port);
      void second.call(...args).catch(() => {});
      await eventually(blocked);
      return "";
    }
    // GT compares milliseconds, and the capture was not taken within one.
    if (args.at(-1) === "gt") await sleep(5);
    const reply = await client.call(...args);
    if ("text" in reply && reply.text === "QUEUED") return "";
    const expected = row.stream === "" ? 0 : row.stream.split(" ; ").length;
    if (args[0] !== "multi") {
      const offset = await masterOffset();
      // Active expiry follows on its own: there the row says how many commands are to come.
      await eventually(() => tap.offset >= offset && tap.pending >= expected, { timeoutMs: 2000 }).catch(() => {});
    }
    const taken = tap.take().map((words) => words.join(" "));
    return settled(taken.join(" ; "));
  }

  const all = sections();
  it.each([...all.keys()].filter((name) => (all.get(name) ?? []).length > 0))("%s", async (name) => {
    // Rows that are left out may have moved the stream to another database: this brings it back.
    if (name !== [...all.keys()][0]) {
      await client.call("publish", "section", name);
      const offset = await masterOffset();
      await eventually(() => tap.offset >= offset);
      tap.take();
    }
    const differences: string[] = [];
    for (const [i, row] of (all.get(name) ?? []).entries()) {
      const sent = await run(row);
      // The database is chosen already, by what was published above.
      const expected = i === 0 && name !== [...all.keys()][0] ? row.stream.replace(/^SELECT 0 ; /, "") : row.stream;
      if (sent !== settled(expected)) differences.push(`${row.command}\n  real ${row.stream}\n  dev  ${sent}`);
    }
    expect(differences.join("\n")).toBe("");
  });
});
