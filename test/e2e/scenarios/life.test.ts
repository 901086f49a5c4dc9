import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { onEachStage } from "../support/stages.js";
import { useWorlds } from "../support/world.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));

onEachStage("the life of a client", (start) => {
  const worlds = useWorlds(start);

  it("quit() answers what was issued before it", async () => {
    const { master, client } = await worlds.open();
    const redis = await client();
    const writes = Array.from({ length: 100 }, (_, i) => redis.set(`k${i}`, "v"));
    const quitting = redis.quit();
    expect(await Promise.all(writes)).toEqual(Array.from({ length: 100 }, () => "OK"));
    expect(await quitting).toBe("OK");
    expect(await master.command("DBSIZE")).toBe(100);
  });

  it("disconnect() is immediate, and connect() revives", async () => {
    const { client } = await worlds.open();
    const redis = await client();
    const blocked = redis.blpop("nothing", 0);
    const outcome = blocked.then(
      () => "answered",
      () => "rejected",
    );
    redis.disconnect();
    expect(await outcome).toBe("rejected");
    expect(redis.status).toBe("end");
    await redis.connect();
    expect(redis.status).toBe("ready");
    expect(await redis.set("k", "v")).toBe("OK");
  });

  // It was answered only with the last of the clients that share the connection.
  it("disconnect() of a duplicate rejects what it has in flight, and nobody else's", async () => {
    const { master, client } = await worlds.open();
    const redis = await client();
    const duplicate = redis.duplicate();
    await duplicate.set("k", 1);
    await master.command("CLIENT", "PAUSE", 60_000, "WRITE");
    try {
      const theirs = duplicate.incr("k");
      const ours = redis.incr("k");
      const outcome = theirs.catch((error: unknown) => error);
      duplicate.disconnect();
      expect(await outcome).toMatchObject({ code: "IOREPLICA_CLIENT_CLOSED", sent: "unknown" });
      await master.command("CLIENT", "UNPAUSE");
      expect(await ours).toBe(3);
    } finally {
      await master.command("CLIENT", "UNPAUSE");
    }
  });

  it("lazyConnect connects with the first command; the events are ioredis's", async () => {
    const { client } = await worlds.open();
    const origin = await client();
    const redis = origin.duplicate();
    expect(await redis.set("k", "v")).toBe("OK");
    expect(redis.status).toBe("ready");
    const ended = new Promise((resolve) => redis.once("end", () => resolve("end")));
    await redis.quit();
    expect(await ended).toBe("end");
    expect(await origin.get("k")).toBe("v");
  });

  it.each(["quit", "disconnect"])("a process ends by itself after %s()", async (how) => {
    const { stage } = await worlds.open();
    const script = `
      import { ReplicatedClient } from "ioreplica";
      const redis = new ReplicatedClient(${JSON.stringify(stage.options)});
      await redis.set("k", "v");
      console.log(await redis.get("k"));
      await redis.${how}();
      console.log("done");
    `;
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", script], { cwd: root });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const limit = setTimeout(() => child.kill("SIGKILL"), 15_000);
    const exit = await new Promise((resolve) => child.once("close", (code, signal) => resolve(signal ?? code)));
    clearTimeout(limit);
    expect({ exit, output }).toEqual({ exit: 0, output: "v\ndone\n" });
  });
});
