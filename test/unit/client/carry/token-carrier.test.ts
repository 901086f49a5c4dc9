import { ReplicatedClient, tokenCarrier } from "ioreplica";
import { afterEach, describe, expect, it, vi } from "vitest";
import { cookieValue } from "../../../../src/client/carry/cookie.js";
import { encodeToken } from "../../../../src/client/consistency/token.js";

const TOKEN = encodeToken({ replid: "ab".repeat(20), offset: 7, issuedAt: Date.now() });
const clients: ReplicatedClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

/** A client that connects to nobody: a session is made without asking a server. */
function idle(): ReplicatedClient {
  const client = new ReplicatedClient({ master: "redis://127.0.0.1:1", lazyConnect: true });
  clients.push(client);
  return client;
}

describe("cookieValue", () => {
  it.each([
    ["seen=abc", "abc"],
    ["a=1; seen=abc; b=2", "abc"],
    ['a=1;seen="abc"', "abc"],
    ["  seen = abc  ", "abc"],
    ["seen=first; seen=second", "first"],
    ["seen=a=b", "a=b"],
    ["unseen=abc", null],
    ["seen", null],
    ["a; seen=abc", "abc"],
    ["", null],
    [";;;===;", null],
    [`${"a=1; ".repeat(5000)}seen=abc`, null],
  ])("of %j", (header, value) => {
    expect(cookieValue(header, "seen")).toBe(value);
  });
});

describe("tokenCarrier", () => {
  it.each([
    ["a cookie", {}, { cookie: `ioreplica-session=${TOKEN}` }],
    ["a cookie of another name", { name: "seen" }, { cookie: `x=1; seen=${TOKEN}` }],
    ["fetch's Headers", {}, new Headers({ cookie: `ioreplica-session=${TOKEN}` })],
    ["a header", { in: "header", name: "X-Seen" }, { "x-seen": TOKEN }],
    ["a header sent twice", { in: "header", name: "X-Seen" }, { "x-seen": [TOKEN, "second"] }],
  ] as const)("takes the token out of %s", (_, options, headers) => {
    const redis = idle();
    const asked = vi.spyOn(redis, "session");
    tokenCarrier(options)(redis, headers);
    expect(asked).toHaveBeenLastCalledWith(TOKEN);
    expect(redis.tokens).toEqual({ invalid: 0, expired: 0 });
    tokenCarrier(options)(redis, {});
    expect(asked).toHaveBeenLastCalledWith(null);
  });

  it.each([
    ["garbage", "x"],
    ["a token with a letter changed", `${TOKEN.slice(0, -1)}${TOKEN.endsWith("A") ? "B" : "A"}`],
    ["too much", "A".repeat(10_000)],
    ["nothing", ""],
  ])("begins a new session for %s, and counts it", (_, sent) => {
    const redis = idle();
    tokenCarrier()(redis, { cookie: `ioreplica-session=${sent}` });
    expect(redis.tokens.invalid).toBe(1);
  });

  it.each([
    [{ in: "query" }, /"in" must be one of "cookie", "header"/],
    [{ name: "a;b" }, /name/],
    [{ name: "a\r\nSet-Cookie: x" }, /name/],
    [{ path: "/; Domain=evil" }, /path/],
    [{ path: "relative" }, /path/],
    [{ domain: "a;b" }, /domain/],
    [{ maxAgeSeconds: 0 }, /"maxAgeSeconds" must be an integer from 1/],
    [{ sameSite: "none", secure: false }, /"secure" must not be false/],
    [{ name: "__Host-seen", path: "/shop" }, /__Host-seen/],
    [{ name: "__Secure-seen", secure: false }, /secure/],
    [{ secure: "yes" }, /"secure" must be true or false/],
    [{ in: "header", secure: false }, /belongs to a cookie/],
    [{ cookie: "seen" }, /unknown/],
  ])("refuses %j", (options, message) => {
    expect(() => tokenCarrier(options as never)).toThrow(message);
  });
});
