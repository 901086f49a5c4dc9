import { InvalidTokenError, ReplicatedClient, type WritesLostError } from "ioreplica";
import { expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { onEachStage } from "../support/stages.js";
import { useWorlds } from "../support/world.js";

function twice<S>(session: S, call: (session: S) => Promise<unknown>): Promise<unknown>[] {
  return [call(session), call(session)];
}

onEachStage("a causal session", (start) => {
  const worlds = useWorlds(start);

  it("carried by its token to another process, sees what was written there; without the token it does not", async () => {
    const { stage, replicas, client } = await worlds.open();
    const writer = await client();
    const reader = await client({ readFrom: "replica", readHoldMs: 5000 });
    for (const replica of replicas) await stage.lag(replica, 100);
    let missedWithout = 0;
    for (let i = 0; i < 5; i++) {
      const session = writer.session();
      await session.set("k", `${i}`);
      const token = await session.token();
      expect(token).toMatch(/^[A-Za-z0-9_-]{1,256}$/);
      if ((await reader.get("k")) !== `${i}`) missedWithout++;
      expect(await reader.session(token).get("k")).toBe(`${i}`);
    }
    expect(missedWithout).toBe(5);
  });

  it("reads forward only, whichever replica serves it", async () => {
    const { stage, master, first, second, client, settled } = await worlds.open();
    await master.command("SET", "n", "0");
    await settled();
    const redis = await client();
    const thaw = await stage.freeze(second);
    // By turns the replica that is frozen and the one that is not.
    const turns = [second.id, first.id];
    const session = redis.session().with({
      readFrom: (nodes) => nodes.filter(({ id }) => id === turns[0]).concat(nodes.filter(({ id }) => id === turns[1])),
    });
    let newest = 0;
    for (let i = 1; i <= 20; i++) {
      await master.command("SET", "n", String(i));
      await stage.inSync(master, [first]);
      for (let k = 0; k < 5; k++) {
        turns.reverse();
        const seen = Number(await session.get("n"));
        expect(seen).toBeGreaterThanOrEqual(newest);
        newest = seen;
      }
    }
    expect(newest).toBe(20);
    await thaw();
  });

  it("sees its own writes of every key after MULTI, pipelines, WATCH and blocking commands", async () => {
    const { stage, replicas, client } = await worlds.open();
    const redis = await client();
    for (const replica of replicas) await stage.freeze(replica);
    const session = redis.session();
    await session.multi().hset("h", "f", "1").exec();
    expect(await session.hget("h", "f")).toBe("1");
    await session.pipeline().rpush("l", "4").rpush("l", "5").exec();
    expect(await session.blpop("l", 1)).toEqual(["l", "4"]);
    expect(await session.with({ timeoutMs: 5000 }).lrange("l", 0, -1)).toEqual(["5"]);
    await session.watch("h");
    await session.multi().set("w", "1").exec();
    expect(await session.get("w")).toBe("1");
  });

  it("garbage begins a new session and is counted, or throws as asked; an expired token reads the master first", async () => {
    const { client, settled } = await worlds.open();
    const redis = await client({ tokenTtlMs: 1 });
    const before = redis.session();
    await before.set("k", "v");
    const token = await before.token();
    await settled();
    for (const garbage of ["", "x", `${token}A`, token.slice(1), "\u0000".repeat(500)]) {
      expect(() => redis.session(garbage, { onInvalid: "throw" })).toThrow(InvalidTokenError);
      expect(await redis.session(garbage).get("k")).toBe("v");
    }
    expect(redis.tokens).toEqual({ invalid: 10, expired: 0 });
    await eventually(() => {
      redis.session(token);
      expect(redis.tokens.expired).toBeGreaterThan(0);
    });
    // Its own token needs no read before it: the master is asked.
    expect(await redis.session(token).token()).toMatch(/^[A-Za-z0-9_-]+$/);
    const late = redis.session(token);
    expect(late.explain("get", "k").node).toBe(redis.topology.master?.id);
    expect(await late.get("k")).toBe("v");
    await eventually(() => expect(late.explain("get", "k").node).not.toBe(redis.topology.master?.id));
    expect(() => redis.session(token, { onInvalid: "ignore" as "new" })).toThrow(/onInvalid/);
    expect(() => before.merge("garbage")).toThrow(InvalidTokenError);
  });

  it("that held writes which a crash took is told once, then goes on; one that held none is told nothing", async () => {
    const { stage, master, first, second, client, settled } = await worlds.open();
    const redis = await client();
    const innocent = redis.session();
    await innocent.set("kept", "1");
    await innocent.token();
    await settled();
    const heal = await stage.isolate(master);
    const session = redis.session();
    await session.set("doomed", "1");
    const token = await session.token();
    await master.crash();
    await heal();
    await stage.promote(first);
    await stage.follow(second, first);
    await eventually(() => expect(redis.topology.master?.id).toBe(first.id));

    expect(await innocent.get("kept")).toBe("1");
    expect(innocent.lost).toEqual([]);
    const told = await session.get("doomed").then(
      () => null,
      (error: WritesLostError) => error,
    );
    expect(told).toMatchObject({ code: "IOREPLICA_WRITES_LOST", sent: "no", retriable: true });
    expect(told?.lost).toMatchObject([{ proven: true }]);
    expect(await session.get("doomed")).toBeNull();
    expect(session.lost).toHaveLength(1);

    // Another process, which never followed the old master, learns it from the new one.
    const elsewhere = new ReplicatedClient({ master: `redis://${first.id}`, discoverReplicas: false });
    const carried = elsewhere.session(token);
    // Told of it is the call as a whole: a MULTI that was refused alone would leave its commands to run bare.
    await expect(carried.multi().set("next", "0").exec()).rejects.toMatchObject({ code: "IOREPLICA_WRITES_LOST" });
    expect(await first.command("EXISTS", "next")).toBe(0);
    expect(await carried.set("next", "1")).toBe("OK");
    expect(await carried.get("next")).toBe("1");
    elsewhere.disconnect();
  });

  it("writes that wait for a master are not sent before the session was told what it lost", async () => {
    const { stage, master, first, second, client, settled } = await worlds.open();
    const redis = await client();
    await settled();
    const heal = await stage.isolate(master);
    const session = redis.session();
    await session.set("doomed", "1");
    await session.token();
    await master.crash();
    await heal();
    await eventually(() => expect(redis.topology.state).not.toBe("stable"));
    const waiting = [session.set("a", "1"), session.set("b", "1")];
    const outcomes = Promise.allSettled(waiting);
    await stage.promote(first);
    await stage.follow(second, first);
    expect(await outcomes).toMatchObject([
      { status: "rejected", reason: { code: "IOREPLICA_WRITES_LOST" } },
      { status: "fulfilled", value: "OK" },
    ]);
    expect(await first.command("EXISTS", "a")).toBe(0);
  });

  it("begun with a token by a client whom nobody lets in is told so at once", async () => {
    const { stage, client } = await worlds.open();
    const writer = (await client()).session();
    await writer.set("k", "v");
    const stranger = { redisOptions: { username: "nobody", password: "wrong" }, failoverTimeoutMs: 600_000 };
    const redis = new ReplicatedClient({ ...stage.options, ...stranger });
    redis.on("error", () => {});
    try {
      const session = redis.session(await writer.token());
      await expect(session.get("k")).rejects.toMatchObject({ code: "IOREPLICA_NO_MASTER" });
    } finally {
      redis.disconnect();
    }
  });

  it("a token of a failover that this client has not noticed makes it look before it answers", async () => {
    const { stage, master, first, second, client, settled } = await worlds.open();
    const slow = await client({ pollIntervalMs: 60_000 });
    await settled();
    await stage.promote(first);
    await stage.follow(second, first);
    const quick = new ReplicatedClient({ master: `redis://${first.id}`, discoverReplicas: false });
    try {
      const writer = quick.session();
      await writer.set("k", "new");
      const token = await writer.token();
      expect(slow.topology.master?.id).toBe(master.id);
      expect(await slow.session(token).get("k")).toBe("new");
    } finally {
      quick.disconnect();
    }
  });

  // What a look at the nodes had found while two masters were there was forgotten once it was decided, and a token asked
  // for at once was made without any look: what the rival's session had lost was never told.
  it("with the token of a rival master is told what it lost as soon as the rival has lost, by a call or by its token", async () => {
    const { stage, first, client } = await worlds.open();
    const redis = await client({ pollIntervalMs: 100, arbitrationMs: 500 });
    await stage.promote(first);
    await eventually(() => expect(redis.topology.state).toBe("splitBrain"));
    const rival = new ReplicatedClient({ master: `redis://${first.id}`, discoverReplicas: false });
    try {
      const writer = rival.session();
      await writer.set("k", "doomed");
      const token = await writer.token();
      const outcomes = await Promise.allSettled([redis.session(token).token(), redis.session(token).get("k")]);
      expect(redis.topology.master?.id).not.toBe(first.id);
      for (const outcome of outcomes)
        expect(outcome).toMatchObject({ status: "rejected", reason: { code: "IOREPLICA_WRITES_LOST" } });
      // One that begins with the token, before it has found any master, is told at its first call, not at its second.
      const patience = { arbitrationMs: 500, failoverTimeoutMs: 600_000 };
      const begun = new ReplicatedClient({ ...stage.options, ...patience, pollIntervalMs: 100 });
      try {
        const [call, ...later] = await Promise.allSettled([
          ...twice(begun.session(token), (session) => session.set("k2", "1")),
          ...twice(begun.session(token), (session) => session.get("k")),
        ]);
        expect(begun.topology.master?.id).not.toBe(first.id);
        expect([call, later[1]]).toMatchObject(
          [1, 2].map(() => ({ status: "rejected", reason: { code: "IOREPLICA_WRITES_LOST" } })),
        );
        expect([later[0], later[2]]).toMatchObject([{ value: "OK" }, { value: null }]);
      } finally {
        begun.disconnect();
      }
    } finally {
      rival.disconnect();
    }
  });
});
