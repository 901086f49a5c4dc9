import { describe, expect, it } from "vitest";
import { ManualClock } from "../../../../src/core/manual-clock.js";
import { parsePayloadHeader, parsePsyncAnswer } from "../../../../src/protocol/psync.js";
import { StreamApplier } from "../../../../src/server/replication/applier.js";
import { Backlog } from "../../../../src/server/replication/backlog.js";
import {
  beginHandshake,
  continueHandshake,
  type HandshakeOptions,
} from "../../../../src/server/replication/handshake.js";
import { adopted, continued, freshHistory, promoted, restarted } from "../../../../src/server/replication/history.js";
import { replicationInfo } from "../../../../src/server/replication/info.js";
import { PayloadReader } from "../../../../src/server/replication/payload.js";
import { encodeCommand } from "../../../../src/server/replication/stream.js";

const ID_A = "a".repeat(40);
const ID_B = "b".repeat(40);

describe("Backlog", () => {
  it("holds the last bytes of the stream, wherever they are cut and however often they wrap", () => {
    const backlog = new Backlog(16 * 1024, 1000);
    let stream = Buffer.alloc(0);
    for (let round = 0; round < 60; round++) {
      const piece = Buffer.from(Array.from({ length: 1 + ((round * 997) % 3000) }, (_, i) => (round + i) & 255));
      stream = Buffer.concat([stream, piece]);
      backlog.append(piece);
      const held = Math.min(stream.length, 16 * 1024);
      expect(backlog.state).toEqual({ size: 16 * 1024, firstByte: 1001 + stream.length - held, length: held });
      expect(backlog.from(backlog.firstByte).equals(stream.subarray(stream.length - held))).toBe(true);
      expect(backlog.from(backlog.firstByte + held - 1).equals(stream.subarray(stream.length - 1))).toBe(true);
      expect(backlog.from(backlog.firstByte + held)).toHaveLength(0);
    }
    expect(backlog.holds(backlog.firstByte - 1)).toBe(false);
    expect(() => backlog.from(backlog.firstByte - 1)).toThrow(RangeError);
  });

  it("keeps what its slowest reader still wants, whatever its size, and lets it go afterwards", () => {
    const backlog = new Backlog(16 * 1024, 0);
    backlog.append(Buffer.alloc(1000, "a"));
    backlog.keepFrom(501);
    for (let i = 0; i < 100; i++) backlog.append(Buffer.alloc(1000, String(i % 10)));
    expect(backlog.state).toEqual({ size: 16 * 1024, firstByte: 501, length: 100_500 });
    expect(backlog.from(501).toString().slice(498, 502)).toBe("aa00");
    // Reading goes on piece by piece to the end.
    let read = 0;
    for (let piece = backlog.read(501); piece.length > 0; piece = backlog.read(501 + read)) read += piece.length;
    expect(read).toBe(100_500);
    backlog.keepFrom(90_000);
    expect(backlog.firstByte).toBe(101_000 + 1 - 16 * 1024);
    backlog.keepFrom(Number.POSITIVE_INFINITY);
    expect(backlog.length).toBe(16 * 1024);
    // What has gone does not come back.
    backlog.keepFrom(1);
    expect(backlog.holds(501)).toBe(false);
  });

  it("takes a piece larger than itself and keeps the end", () => {
    const backlog = new Backlog(0, 0);
    const piece = Buffer.from(Array.from({ length: 40_000 }, (_, i) => i & 255));
    backlog.append(piece);
    expect(backlog.firstByte).toBe(40_000 - 16_384 + 1);
    expect(backlog.from(backlog.firstByte).equals(piece.subarray(40_000 - 16_384))).toBe(true);
  });

  it.each([16 * 1024, 20_000, 64 * 1024])("keeps the end of the stream when it is resized to %d", (size) => {
    const backlog = new Backlog(32 * 1024, 0);
    const stream = Buffer.from(Array.from({ length: 50_000 }, (_, i) => (i * 7) & 255));
    backlog.append(stream);
    backlog.resize(size);
    const kept = Math.min(size, 32 * 1024);
    expect(backlog.state).toEqual({ size, firstByte: 50_000 - kept + 1, length: kept });
    const more = Buffer.from("more");
    backlog.append(more);
    expect(
      backlog.from(backlog.firstByte).equals(Buffer.concat([stream, more]).subarray(50_004 - backlog.length)),
    ).toBe(true);
  });
});

describe("History", () => {
  const old = { ...freshHistory(ID_A), offset: 50 };
  it("remembers on promotion where the old history ended", () => {
    expect(promoted(old, ID_B)).toEqual({ replid: ID_B, replid2: ID_A, secondReplOffset: 51, offset: 50 });
  });
  it("follows its master into a new history on +CONTINUE", () => {
    expect(continued(old, ID_B)).toEqual({ replid: ID_B, replid2: ID_A, secondReplOffset: 51, offset: 50 });
    expect(continued(old, ID_A)).toBe(old);
    expect(continued(old, null)).toBe(old);
  });
  it("forgets the past on a full resync and when counting begins anew", () => {
    expect(adopted(ID_B, 7)).toEqual({ replid: ID_B, replid2: null, secondReplOffset: -1, offset: 7 });
    expect(restarted(promoted(old, ID_B), ID_A)).toEqual({
      replid: ID_A,
      replid2: null,
      secondReplOffset: -1,
      offset: 50,
    });
  });
});

describe("PSYNC grammar", () => {
  it.each([
    [`+FULLRESYNC ${ID_A} 0`, { kind: "fullResync", replid: ID_A, offset: 0 }],
    [`+CONTINUE ${ID_B}`, { kind: "continue", replid: ID_B }],
    ["+CONTINUE", { kind: "continue", replid: null }],
    ["-LOADING Redis is loading", { kind: "later", text: "-LOADING Redis is loading" }],
    ["-NOMASTERLINK Can't SYNC", { kind: "later", text: "-NOMASTERLINK Can't SYNC" }],
    ["-ERR unknown command", { kind: "refused", text: "-ERR unknown command" }],
    ["+FULLRESYNC short 0", { kind: "refused", text: "+FULLRESYNC short 0" }],
  ])("reads %s", (line, answer) => {
    expect(parsePsyncAnswer(line)).toEqual(answer);
  });
  it.each([
    ["$0", { kind: "length", bytes: 0 }],
    ["$175", { kind: "length", bytes: 175 }],
    [`$EOF:${ID_A}`, { kind: "mark", mark: ID_A }],
    ["$EOF:short", null],
    ["$-1", null],
    ["+OK", null],
  ])("reads the payload header %s", (line, header) => {
    expect(parsePayloadHeader(line)).toEqual(header);
  });
});

describe("Handshake", () => {
  const options: HandshakeOptions = {
    auth: { username: null, password: "secret" },
    listeningPort: 7,
    announceIp: null,
    resume: null,
    takeOver: false,
  };
  const walk = (lines: readonly string[], with_: HandshakeOptions = options): unknown[] => {
    let { state, send } = beginHandshake();
    const seen: unknown[] = [send];
    for (const line of lines) {
      const step = continueHandshake(state, line, with_);
      if (step.kind !== "more") return [...seen, step];
      ({ state, send } = step);
      if (send.length > 0) seen.push(send);
    }
    return seen;
  };

  it("sends AUTH and options in one burst, then asks for everything", () => {
    const seen = walk(["+PONG", "+OK", "+OK", "+OK", "", `+FULLRESYNC ${ID_A} 3`]);
    expect(seen).toEqual([
      [["PING"]],
      [
        ["AUTH", "secret"],
        ["REPLCONF", "listening-port", "7"],
        ["REPLCONF", "capa", "eof", "capa", "psync2"],
      ],
      [["PSYNC", "?", "-1"]],
      { kind: "answer", answer: { kind: "fullResync", replid: ID_A, offset: 3 } },
    ]);
  });

  it("gives up when AUTH fails, and its reason holds no password", () => {
    const seen = walk([
      "-NOAUTH Authentication required.",
      "-WRONGPASS invalid username-password pair or user is disabled.",
    ]);
    expect(seen.at(-1)).toMatchObject({
      kind: "failed",
      reason: expect.stringContaining("Unable to AUTH to MASTER: -WRONGPASS"),
    });
    expect(JSON.stringify(seen.at(-1))).not.toContain("secret");
  });

  it("goes on when a master knows none of the options", () => {
    const resume = { replid: ID_B, offset: 12 };
    const seen = walk(["+PONG", "-ERR Unrecognized REPLCONF option: ip-address", "-ERR x", "-ERR y"], {
      auth: null,
      listeningPort: 7,
      announceIp: "10.0.0.1",
      resume,
      takeOver: true,
    });
    expect(seen.at(-1)).toEqual([["PSYNC", ID_B, "12", "FAILOVER"]]);
  });

  it("does not go on with a master that refuses PING", () => {
    expect(walk(["-MASTERDOWN Link with MASTER is down"]).at(-1)).toMatchObject({ kind: "failed" });
  });
});

describe("PayloadReader", () => {
  const mark = "0123456789abcdef0123456789abcdef01234567";
  const noTurn = async (): Promise<void> => {
    throw new Error("so little takes one go");
  };
  const body = Buffer.from(`REDIS0009 ${mark.slice(0, 39)} body`);

  it.each([
    ["length", { kind: "length", bytes: body.length } as const, body],
    ["mark", { kind: "mark", mark } as const, Buffer.concat([body, Buffer.from(mark)])],
  ])("finds the end by %s, however the bytes are cut", async (_, header, wire) => {
    const all = Buffer.concat([wire, Buffer.from("NEXT")]);
    for (let cut = 1; cut < all.length; cut++) {
      const reader = new PayloadReader(header);
      let rest = reader.push(all.subarray(0, cut));
      const tail = all.subarray(cut);
      if (rest) rest = Buffer.concat([rest, tail]);
      else rest = reader.push(tail);
      expect(rest?.toString()).toBe("NEXT");
      expect((await reader.take(noTurn)).equals(body)).toBe(true);
      expect(reader.received).toBe(body.length);
    }
  });

  it("puts a large payload together in pieces", async () => {
    const chunks = Array.from({ length: 60 }, (_, i) => Buffer.alloc(64 * 1024, i));
    const reader = new PayloadReader({ kind: "length", bytes: 60 * 64 * 1024 });
    for (const chunk of chunks) reader.push(chunk);
    let turns = 0;
    const whole = await reader.take(async () => void turns++);
    expect(whole.equals(Buffer.concat(chunks))).toBe(true);
    expect(turns).toBe(3);
  });

  it("finds a mark that comes byte by byte", async () => {
    const reader = new PayloadReader({ kind: "mark", mark });
    const wire = Buffer.concat([body, Buffer.from(mark)]);
    for (let i = 0; i < wire.length - 1; i++) expect(reader.push(wire.subarray(i, i + 1))).toBeNull();
    expect(reader.push(wire.subarray(-1))).toHaveLength(0);
    expect((await reader.take(noTurn)).equals(body)).toBe(true);
  });
});

describe("StreamApplier", () => {
  const stream = Buffer.from(
    [
      ["SELECT", "0"],
      ["set", "a", "1"],
      ["MULTI"],
      ["incr", "n"],
      ["incr", "n"],
      ["EXEC"],
      ["REPLCONF", "GETACK", "*"],
      ["PING"],
    ]
      .map(encodeCommand)
      .join(""),
    "latin1",
  );

  function harness(): { applier: StreamApplier; clock: ManualClock; log: string[]; offset: () => number } {
    const clock = new ManualClock();
    const log: string[] = [];
    let offset = 0;
    let multi = false;
    const applier = new StreamApplier(clock, {
      begin: () => {},
      holds: () => false,
      run(argv) {
        if (argv[0] === "MULTI") multi = true;
        if (argv[0] === "EXEC") multi = false;
        log.push(argv.join(" "));
        return multi;
      },
      applied(bytes) {
        expect(bytes.equals(stream.subarray(offset, offset + bytes.length))).toBe(true);
        offset += bytes.length;
      },
      ackAsked: () => log.push(`ack ${offset}`),
      broken: (reason) => log.push(reason),
    });
    return { applier, clock, log, offset: () => offset };
  }

  it("counts every byte, holds still inside MULTI, and answers GETACK without the question", () => {
    const beforeGetack = stream.indexOf("*3\r\n$8\r\nREPLCONF");
    const multiAt = stream.indexOf("*1\r\n$5\r\nMULTI");
    const execEnd = stream.indexOf("EXEC\r\n") + 6;
    for (let cut = 0; cut <= stream.length; cut++) {
      const { applier, log, offset } = harness();
      applier.push(stream.subarray(0, cut));
      if (cut > multiAt && cut < execEnd) expect(offset()).toBe(multiAt);
      expect(applier.behind).toBe(cut - offset());
      applier.push(stream.subarray(cut));
      expect(offset()).toBe(stream.length);
      expect(log).toContain(`ack ${beforeGetack}`);
      expect(log.filter((line) => !line.startsWith("ack"))).toEqual([
        "SELECT 0",
        "set a 1",
        "MULTI",
        "incr n",
        "incr n",
        "EXEC",
        "PING",
      ]);
    }
  });

  it("applies late under lag, not at all while frozen, and in order afterwards", () => {
    const { applier, clock, log, offset } = harness();
    applier.hold(100, false);
    applier.push(stream.subarray(0, 60));
    clock.advance(50);
    applier.push(stream.subarray(60));
    clock.advance(49);
    expect(offset()).toBe(0);
    clock.advance(1);
    expect(offset()).toBeGreaterThan(0);
    expect(offset()).toBeLessThan(stream.length);
    applier.hold(100, true);
    clock.advance(1000);
    expect(offset()).toBeLessThan(stream.length);
    applier.hold(0, false);
    expect(offset()).toBe(stream.length);
    expect(log.at(-1)).toBe("PING");
    expect(clock.pending).toBe(0);
  });

  it("forgets what it has not applied when the link is lost", () => {
    const { applier, clock, offset } = harness();
    applier.hold(100, false);
    applier.push(stream);
    applier.reset();
    clock.advance(1000);
    expect(offset()).toBe(0);
    expect(clock.pending).toBe(0);
    expect(applier.behind).toBe(0);
  });

  it("says so when the stream is none", () => {
    const { applier, log } = harness();
    applier.push(Buffer.from("*1\r\n+no\r\n"));
    expect(log[0]).toMatch(/Protocol error/);
  });
});

describe("INFO replication", () => {
  const names = (lines: readonly string[]): string[] => lines.map((line) => line.slice(0, line.indexOf(":")));
  const tail = [
    "master_failover_state",
    "master_replid",
    "master_replid2",
    "master_repl_offset",
    "second_repl_offset",
    "repl_backlog_active",
    "repl_backlog_size",
    "repl_backlog_first_byte_offset",
    "repl_backlog_histlen",
  ];
  const base = {
    history: freshHistory(ID_A),
    link: null,
    replicas: [],
    goodReplicas: null,
    failoverState: "no-failover",
    backlog: null,
    backlogSize: 1 << 20,
  } as const;

  it("has a master's fields in Redis's order", () => {
    expect(names(replicationInfo(base))).toEqual(["role", "connected_slaves", ...tail]);
    const lines = replicationInfo({
      ...base,
      goodReplicas: 1,
      replicas: [{ ip: "127.0.0.1", port: 7001, state: "online", ackOffset: 14, lagS: 1 }],
    });
    expect(lines.slice(0, 4)).toEqual([
      "role:master",
      "connected_slaves:1",
      "min_slaves_good_slaves:1",
      "slave0:ip=127.0.0.1,port=7001,state=online,offset=14,lag=1",
    ]);
  });

  it("has a replica's fields in Redis's order, with and without a link", () => {
    const link = {
      host: "h",
      port: 1,
      state: "connected",
      lastIoS: 0,
      readOffset: 5,
      applied: 3,
      downSinceS: -1,
      sync: null,
      priority: 100,
      readOnly: true,
      announced: true,
    } as const;
    const head = [
      "role",
      "master_host",
      "master_port",
      "master_link_status",
      "master_last_io_seconds_ago",
      "master_sync_in_progress",
      "slave_read_repl_offset",
      "slave_repl_offset",
    ];
    const end = ["slave_priority", "slave_read_only", "replica_announced", "connected_slaves", ...tail];
    expect(names(replicationInfo({ ...base, link }))).toEqual([...head, ...end]);
    expect(names(replicationInfo({ ...base, link: { ...link, state: "connect" } }))).toEqual([
      ...head,
      "master_link_down_since_seconds",
      ...end,
    ]);
  });
});
