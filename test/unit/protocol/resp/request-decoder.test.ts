import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeCommand } from "../../../../src/protocol/resp/encode.js";
import { RequestDecoder } from "../../../../src/protocol/resp/request-decoder.js";

const MB = 1024 * 1024;

function decoder(unauthenticated = false): RequestDecoder {
  return new RequestDecoder({ maxBulkBytes: 512 * MB, unauthenticated });
}

/** Feeds a text in pieces of the given lengths (the last one repeats) and gathers what comes out. */
function decode(text: string, pieces: readonly number[] = [text.length || 1], reader = decoder()) {
  const bytes = Buffer.from(text, "latin1");
  const commands: string[][] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = pieces[Math.min(i, pieces.length - 1)] as number;
    reader.push(bytes.subarray(at, at + length));
    at += length;
    for (let args = reader.next(); args !== null; args = reader.next()) commands.push(args);
  }
  return { commands, reader };
}

describe("RequestDecoder", () => {
  it.each<[string, string, string[][]]>([
    ["an array of bulk strings", "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", [["GET", "k"]]],
    ["bytes of every kind", "*1\r\n$4\r\n\r\n\x00\xff\r\n", [["\r\n\x00\xff"]]],
    ["several commands at once", "*1\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\nPING\r\n", [["a"], ["b"], ["PING"]]],
    ["an empty argument", "*2\r\n$1\r\na\r\n$0\r\n\r\n", [["a", ""]]],
    ["empty and negative arrays as nothing", "*0\r\n*-1\r\n*-7\r\nPING\r\n", [["PING"]]],
    ["an inline command", "SET k v\r\n", [["SET", "k", "v"]]],
    ["an inline command without CR", "PING\n", [["PING"]]],
    ["blank lines as nothing", "\r\n\n  \r\nPING\r\n", [["PING"]]],
    ["quotes", `SET "a b" 'c d' "\\x41\\n\\"" 'it\\'s'\r\n`, [["SET", "a b", "c d", 'A\n"', "it's"]]],
  ])("reads %s", (_name, text, commands) => {
    const { reader, ...got } = decode(text);
    expect(got.commands).toEqual(commands);
    expect(reader.error).toBeNull();
    expect(reader.consumed).toBe(text.length);
  });

  // The texts of redis-server 7.0.15.
  it.each([
    ["*abc\r\n", "Protocol error: invalid multibulk length"],
    ["*01\r\n", "Protocol error: invalid multibulk length"],
    ["*99999999999\r\n", "Protocol error: invalid multibulk length"],
    ["*1\r\n:5\r\n", "Protocol error: expected '$', got ':'"],
    ["*1\r\n$abc\r\n", "Protocol error: invalid bulk length"],
    ["*1\r\n$-1\r\n", "Protocol error: invalid bulk length"],
    ["*1\r\n$536870913\r\n", "Protocol error: invalid bulk length"],
    [`SET k "v\r\n`, "Protocol error: unbalanced quotes in request"],
    [`SET "k"v\r\n`, "Protocol error: unbalanced quotes in request"],
    ["x".repeat(64 * 1024 + 1), "Protocol error: too big inline request"],
    [`*${"1".repeat(64 * 1024 + 1)}`, "Protocol error: too big mbulk count string"],
    [`*1\r\n$${"1".repeat(64 * 1024 + 1)}`, "Protocol error: too big bulk count string"],
  ])("refuses %j", (text, error) => {
    for (const pieces of [[text.length], [1000], [7]]) expect(decode(text, pieces).reader.error).toBe(error);
  });

  it("allows less before AUTH", () => {
    expect(decode("*11\r\n", [5], decoder(true)).reader.error).toBe("Protocol error: unauthenticated multibulk length");
    expect(decode("*1\r\n$16385\r\n", [99], decoder(true)).reader.error).toBe(
      "Protocol error: unauthenticated bulk length",
    );
    expect(decode("*10\r\n$16384\r\n", [99], decoder(true)).reader.error).toBeNull();
  });

  it("is poisoned by an error", () => {
    const { reader } = decode("*1\r\n:5\r\n");
    reader.push(Buffer.from("PING\r\n"));
    expect(reader.next()).toBeNull();
    expect(reader.pendingBytes).toBe(0);
  });

  it("doesn't allocate what a header claims", () => {
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 100 }, () => decode("*1000000\r\n$536870888\r\nabc").reader);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MB);
    expect(readers.every((reader) => reader.pendingBytes === 3)).toBe(true);
  });

  it("counts a long argument as a whole from its header on, a short one as it comes", () => {
    expect(decode("*2\r\n$32767\r\nabc").reader.inputBytes).toBe(3);
    expect(decode("*2\r\n$32768\r\nabc").reader.inputBytes).toBe(32770);
    expect(decode(`*2\r\n$32768\r\n${"x".repeat(32768)}\r\n$5\r\nab`).reader.inputBytes).toBe(2);
  });

  it("tells how many bytes each command took", () => {
    const reader = decoder();
    const first = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";
    reader.push(Buffer.from(`${first}\n*1\r\n$4\r\nPING\r\n*1\r\n`));
    reader.next();
    expect(reader.consumed).toBe(first.length);
    reader.next();
    expect(reader.consumed).toBe(first.length + 1 + 14);
    expect(reader.next()).toBeNull();
  });

  it("gives back what no command has used", () => {
    const reader = decoder();
    reader.push(Buffer.from("PING\r\nrest"));
    reader.push(Buffer.from(" and more"));
    reader.next();
    expect(reader.takeRest().toString()).toBe("rest and more");
  });

  it("reads the same however the bytes are cut", () => {
    const argument = fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
      maxLength: 40,
    });
    const command = fc.array(argument, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(
        fc.array(command, { minLength: 1, maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 }),
        (commands, pieces) => {
          const text = commands.map(encodeCommand).join("");
          const got = decode(text, pieces);
          expect(got.commands).toEqual(commands);
          expect(got.reader.consumed).toBe(text.length);
        },
      ),
      { seed: 7, numRuns: 300 },
    );
  });

  it("survives any bytes, and judges them the same however they are cut", () => {
    const noise = fc.string({
      unit: fc.constantFrom("*", "$", ":", "1", "2", "-", "\r", "\n", "a", '"', " "),
      maxLength: 60,
    });
    fc.assert(
      fc.property(noise, fc.integer({ min: 1, max: 9 }), (text, piece) => {
        const whole = decode(text);
        const cut = decode(text, [piece]);
        expect(cut.commands).toEqual(whole.commands);
        expect(cut.reader.error).toBe(whole.reader.error);
      }),
      { seed: 11, numRuns: 2000 },
    );
  });
});
