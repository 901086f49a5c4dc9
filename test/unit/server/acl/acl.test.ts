import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commandTable } from "../../../../src/protocol/command-table/table.js";
import { AclLog } from "../../../../src/server/acl/acl-log.js";
import { denialOf } from "../../../../src/server/acl/check.js";
import { User } from "../../../../src/server/acl/user.js";
import { Config } from "../../../../src/server/config/config.js";
import { startCore } from "../dispatch/harness.js";

function userWith(...rules: string[]): User {
  const user = new User("u", () => false);
  for (const rule of rules) expect(user.apply(rule)).toBeNull();
  return user;
}

function verdict(user: User, call: string): string {
  const args = call.split(" ");
  const parent = commandTable.get(args[0] as string);
  const sub = parent?.subcommands.find(({ name }) => name === `${args[0]}|${args[1]}`);
  const denial = denialOf(user, sub ?? (parent as NonNullable<typeof parent>), args);
  return denial === null
    ? "yes"
    : denial.reason === "command"
      ? "command"
      : `${denial.reason} ${args[denial.position]}`;
}

describe("what a user may do", () => {
  it.each([
    [["+get", "~a*"], "get abc", "yes"],
    [["+get", "~a*"], "get b", "key b"],
    [["+get", "~a*"], "set a 1", "command"],
    [["+@all", "-config|set", "~*", "&*"], "config set a b", "command"],
    [["+@all", "-config|set", "~*", "&*"], "config get a", "yes"],
    [["+select|0"], "select 0", "yes"],
    [["+select|0"], "select 1", "command"],
    [["+@all", "%R~r", "%W~w"], "copy r w", "yes"],
    [["+@all", "%R~r", "%W~w"], "copy w r", "key w"],
    [["+@all", "%W~w"], "set w get", "yes"],
    [["+@all", "%W~w"], "set w v get", "key w"],
    [["+@all", "%R~r"], "bitfield r overflow sat get u8 0", "yes"],
    [["+@all", "%R~r"], "bitfield r get u8 0 overflow", "key r"],
    [["+@all", "~*", "&ch:*"], "publish ch:1 m", "yes"],
    [["+@all", "~*", "&ch:*"], "subscribe ch:1 x", "channel x"],
    [["+@all", "~*", "&ch:*"], "psubscribe ch:*", "yes"],
    [["+@all", "~*", "&ch:*"], "psubscribe ch:1", "channel ch:1"],
    [["+@all", "~*", "&ch:*"], "punsubscribe x", "yes"],
    [["(+get ~a)", "(+set ~b)"], "get a", "yes"],
    [["(+get ~a)", "(+set ~b)"], "get b", "key b"],
    [["(+get ~a)", "(+set ~b)"], "del b", "command"],
    // Of two denied keys the one that came further is told.
    [["+mget", "~a", "(+mget ~a ~b)"], "mget a b c", "key c"],
    [[], "auth u pw", "yes"],
    [[], "ping", "command"],
  ])("%j: %s: %s", (rules, call, expected) => {
    expect(verdict(userWith(...rules), call)).toBe(expected);
  });

  it("is asked of nobody who may do everything", () => {
    expect(userWith("+@all", "~*", "&*").unrestricted).toBe(true);
    expect(userWith("+@all", "~*", "&*", "-get").unrestricted).toBe(false);
    expect(userWith("(+@all ~* &*)").unrestricted).toBe(true);
  });

  it("needs a password that is right, and a user who is on", () => {
    const user = userWith(">one", ">two");
    expect(user.accepts("one")).toBe(false);
    user.apply("on");
    expect([user.accepts("one"), user.accepts("two"), user.accepts(""), user.accepts("three")]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    user.apply("nopass");
    expect(user.accepts("anything")).toBe(true);
  });
});

describe("the log of denials", () => {
  it("counts what repeats within a minute, and keeps the newest", () => {
    const log = new AclLog(() => 2);
    const entry = { reason: "key", context: "toplevel", username: "u", clientInfo: "" } as const;
    log.add({ ...entry, object: "a", atMs: 0 });
    log.add({ ...entry, object: "b", atMs: 1 });
    log.add({ ...entry, object: "a", atMs: 60_000 });
    expect(log.entries.map(({ object, count }) => `${object} ${count}`)).toEqual(["a 2", "b 1"]);
    log.add({ ...entry, object: "a", atMs: 120_001 });
    expect(log.entries.map(({ object, count }) => `${object} ${count}`)).toEqual(["a 1", "a 2"]);
  });
});

describe("users of a server", () => {
  it("come from the config's user lines, which beat requirepass", async () => {
    const { connect } = startCore({
      "enable-debug-command": "no",
      requirepass: "old",
      user: "default on >new ~* &* +@all -debug",
    });
    const peer = connect();
    expect(await peer.send("get k", "auth old", "auth new", "debug sleep 0", "get k")).toBe(
      "-NOAUTH Authentication required.|-WRONGPASS invalid username-password pair or user is disabled.|+OK|" +
        '-ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local ' +
        "connection, otherwise you need to set this option in the configuration file, and then restart the server.|$-1|",
    );
  });

  it("are refused with a reason that tells no password", () => {
    const config = new Config();
    config.loadUser(["bob", ">canary"]);
    expect(() => config.loadUser(["bob"])).toThrow("Duplicate user found");
    expect(() => config.loadUser(["eve", "<canary"])).toThrow(/^(?!.*canary).*does not exist/);
  });

  it("lose their connections when they are deleted, after their reply if it is their own doing", async () => {
    const { connect } = startCore({ user: "bob on nopass +@all ~* &*" });
    const [bob, other] = [connect(), connect()];
    await bob.send("auth bob x");
    await other.send("auth bob x");
    expect(await bob.send("acl deluser bob", "ping")).toBe(":1|");
    expect([bob.closed, other.closed]).toEqual([true, true]);
  });

  it("lose their subscriptions with the right to them", async () => {
    const { connect } = startCore({ user: "bob on nopass +@all ~* &a &b*" });
    const admin = connect();
    const peers = [connect(), connect()] as const;
    await peers[0].send("auth bob x", "subscribe a");
    await peers[1].send("auth bob x", "psubscribe b*");
    await admin.send("acl setuser bob &c");
    expect(peers.map(({ closed }) => closed)).toEqual([false, false]);
    await admin.send("acl setuser bob resetchannels &a");
    expect(peers.map(({ closed }) => closed)).toEqual([false, true]);
  });

  it("show no password to MONITOR and SLOWLOG", async () => {
    const { connect } = startCore({ "slowlog-log-slower-than": 0 });
    const [monitor, peer] = [connect(), connect()];
    await monitor.send("monitor");
    await peer.send("acl setuser bob on >canary", "auth bob canary", "hello 3 auth bob canary", "auth default x");
    await peer.send("config set requirepass canary");
    expect(await monitor.got()).not.toContain("canary");
    expect(await connect().send("auth default canary", "slowlog get -1", "info everything")).not.toContain("canary");
  });

  it("are written to the aclfile and read from it, all or none", async () => {
    const dir = mkdtempSync(join(tmpdir(), "ioreplica-acl-"));
    const file = join(dir, "users.acl");
    try {
      writeFileSync(file, "user default on nopass ~* &* +@all\nuser bob on nopass ~* &* +@all\n");
      const { connect } = startCore({ dir, aclfile: "users.acl" });
      const peer = connect();
      expect(await peer.send("acl users", "acl setuser eve on +get", "acl save")).toBe("*2|$3|bob|$7|default|+OK|+OK|");
      expect(readFileSync(file, "latin1").split("\n")[2]).toBe("user eve on resetchannels -@all +get");
      writeFileSync(file, "user bob +nosuch\nuser bob\nbad\n");
      expect(await peer.send("acl load", "acl users")).toBe(
        "-ERR users.acl:1: Error in applying operation '+nosuch': Unknown command or category name in ACL. " +
          "WARNING: Duplicate user 'bob' found on line 2. users.acl:3 should start with user keyword followed by the username. " +
          "WARNING: ACL errors detected, no change to the previously active ACL rules was performed|*3|$3|bob|$7|default|$3|eve|",
      );
      writeFileSync(file, "user carl on");
      const bob = connect();
      await bob.send("auth bob x");
      expect(await peer.send("acl load", "acl users")).toBe("+OK|*2|$4|carl|$7|default|");
      expect([bob.closed, peer.closed]).toEqual([true, false]);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
