import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReplyDecoder, ReplyProtocolError, type ReplyShapes } from "../../../../src/protocol/resp/reply-decoder.js";

/** Decodes the chunks; one line per reply, errors and pushes marked. */
function decode(chunks: readonly Buffer[], options: { text?: boolean; shapes?: ReplyShapes } = {}): unknown[] {
  const seen: unknown[] = [];
  const decoder = new ReplyDecoder(
    {
      wantsText: () => options.text ?? true,
      reply: (value) => seen.push(value),
      errorReply: (text) => seen.push({ error: text }),
      push: (items) => seen.push({ push: items }),
      nestedError: (text) => ({ nested: text }),
    },
    options.shapes,
  );
  for (const chunk of chunks) decoder.write(chunk);
  return seen;
}

const whole = (text: string, options?: Parameters<typeof decode>[1]): unknown[] => decode([Buffer.from(text)], options);

describe("values as RESP2 shapes them, whatever the protocol", () => {
  it.each([
    ["simple string", "+OK\r\n", "OK"],
    ["bulk string", "$5\r\nhe\r\nl\r\n", "he\r\nl"],
    ["empty bulk string", "$0\r\n\r\n", ""],
    ["null bulk string", "$-1\r\n", null],
    ["null array", "*-1\r\n", null],
    ["null of RESP3", "_\r\n", null],
    ["integer", ":42\r\n", 42],
    ["negative integer", ":-7\r\n", -7],
    ["big number", "(3492890328409238509324850943850943825024385\r\n", "3492890328409238509324850943850943825024385"],
    ["double", ",1.5\r\n", "1.5"],
    ["true", "#t\r\n", 1],
    ["false", "#f\r\n", 0],
    ["verbatim string", "=9\r\ntxt:hello\r\n", "hello"],
    ["array", "*3\r\n$1\r\na\r\n:1\r\n$-1\r\n", ["a", 1, null]],
    ["empty array", "*0\r\n", []],
    ["nested arrays", "*2\r\n*1\r\n:1\r\n*0\r\n", [[1], []]],
    ["map, flat", "%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n", ["a", 1, "b", 2]],
    ["set", "~2\r\n+x\r\n+y\r\n", ["x", "y"]],
    ["error in an array, as EXEC has it", "*2\r\n+OK\r\n-ERR no\r\n", ["OK", { nested: "ERR no" }]],
    ["attribute in front of a value, left out", "|1\r\n+ttl\r\n:3\r\n+OK\r\n", "OK"],
  ])("%s", (_name, wire, value) => {
    expect(whole(wire)).toEqual([value]);
  });

  it("tells errors and pushes from replies", () => {
    expect(whole("-WRONGTYPE no\r\n>2\r\n+invalidate\r\n*1\r\n+k\r\n:1\r\n")).toEqual([
      { error: "WRONGTYPE no" },
      { push: ["invalidate", ["k"]] },
      1,
    ]);
  });

  it("gives Buffers where text isn't wanted, bytes untouched", () => {
    const bytes = Buffer.from([0, 255, 13, 10, 128]);
    const [value] = decode([Buffer.concat([Buffer.from("$5\r\n"), bytes, Buffer.from("\r\n")])], { text: false });
    expect(Buffer.isBuffer(value) && value.equals(bytes)).toBe(true);
  });

  it("gives integers and doubles as text when asked", () => {
    expect(whole("*2\r\n:9007199254740993\r\n,0.1\r\n", { shapes: { numbersAsText: true } })).toEqual([
      ["9007199254740993", "0.1"],
    ]);
  });

  it("gives RESP3's own shapes when asked", () => {
    expect(whole("%1\r\n+__proto__\r\n*3\r\n,inf\r\n#t\r\n,2.5\r\n", { shapes: { native: true } })).toEqual([
      Object.defineProperty({}, "__proto__", { value: [Number.POSITIVE_INFINITY, true, 2.5], enumerable: true }),
    ]);
  });
});

describe("chunks cut anywhere", () => {
  const reply: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.string().map((text) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`),
      fc.integer().map((n) => `:${n}\r\n`),
      fc.constantFrom("+OK\r\n", "-ERR x\r\n", "$-1\r\n", "*-1\r\n", "_\r\n", "#t\r\n", ",3.25\r\n"),
      fc.array(tie("value"), { maxLength: 4 }).map((items) => `*${items.length}\r\n${items.join("")}`),
      fc
        .array(tie("value"), { maxLength: 2 })
        .map((items) => `%${items.length}\r\n${items.map((item) => `+k\r\n${item}`).join("")}`),
    ),
  })).value;

  it("decode as they would in one", () => {
    fc.assert(
      fc.property(
        fc.array(reply, { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat(200), { maxLength: 20 }),
        (replies, cuts) => {
          const bytes = Buffer.from(replies.join(""));
          const chunks: Buffer[] = [];
          let at = 0;
          for (const cut of cuts) {
            chunks.push(bytes.subarray(at, Math.min(bytes.length, at + cut)));
            at = Math.min(bytes.length, at + cut);
          }
          chunks.push(bytes.subarray(at));
          const once = decode([bytes]);
          expect(once).toHaveLength(replies.length);
          expect(decode(chunks.filter((chunk) => chunk.length > 0))).toEqual(once);
          expect(decode([...bytes].map((byte) => Buffer.from([byte])))).toEqual(once);
        },
      ),
    );
  });
});

describe("what is no RESP, or beyond a limit", () => {
  it.each([
    ["an unknown type", "hello\r\n"],
    ["a string that goes on too long", "$1\r\nab\r\n"],
    ["a length that is no number", "$x\r\n"],
    ["a length without digits", "$\r\n"],
    ["a string longer than Redis allows", "$600000000\r\n"],
    ["more elements than there can be", "*999999999999\r\n"],
    ["nesting without end", "*1\r\n".repeat(200)],
    ["a line without end", `+${"x".repeat(1024 * 1024 + 2)}`],
    ["a number without end", `:${"1".repeat(64)}`],
  ])("is refused: %s", (_name, wire) => {
    expect(() => whole(wire)).toThrow(ReplyProtocolError);
  });

  it("poisons the decoder: what comes after is not believed", () => {
    const seen: unknown[] = [];
    const decoder = new ReplyDecoder({
      wantsText: () => true,
      reply: (value) => seen.push(value),
      errorReply: () => {},
      push: () => {},
      nestedError: () => null,
    });
    expect(() => decoder.write(Buffer.from("?\r\n"))).toThrow(ReplyProtocolError);
    expect(() => decoder.write(Buffer.from("+OK\r\n"))).toThrow(ReplyProtocolError);
    expect(seen).toEqual([]);
  });

  it("allocates nothing for what is announced and does not come", () => {
    const before = process.memoryUsage().arrayBuffers;
    whole("$500000000\r\nab");
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
  });
});
