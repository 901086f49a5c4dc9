import { describe, expect, it } from "vitest";
import type { CausalSession } from "../../../../src/client/consistency/session.js";
import { encodeToken } from "../../../../src/client/consistency/token.js";
import { Sessions } from "../../../../src/client/engine/sessions.js";
import { NoMasterError } from "../../../../src/client/errors.js";
import { deferred } from "../../../../src/core/deferred.js";
import { ManualClock } from "../../../../src/core/manual-clock.js";

const OURS = "a".repeat(40);
const RIVAL = "b".repeat(40);

/** Sessions of a client that follows OURS, from which RIVAL branched off at 150, as a look at the nodes will show. */
function setUp() {
  const clock = new ManualClock();
  const histories = {
    replid: OURS,
    decided: true,
    known: false,
    forkOf: () => null,
    branchOf: () => (histories.known ? 150 : null),
    wasLeft: () => false,
  };
  const asked: string[] = [];
  const world = { hopeless: null as Error | null };
  const look = deferred<void>();
  const sessions = new Sessions({
    clock,
    histories,
    limit: 10,
    tokenTtlMs: 60_000,
    waitMs: 1000,
    async lookFor(session: CausalSession) {
      asked.push("nodes");
      const { merged } = session;
      await look.promise;
      histories.known = true;
      session.looked(merged);
      return true;
    },
    askMaster(at) {
      asked.push("master");
      at(160);
    },
    noMaster: () => new NoMasterError(1000, []),
    hopeless: () => world.hopeless,
  });
  const session = sessions.create();
  sessions.merge(session, encodeToken({ replid: RIVAL, offset: 170, issuedAt: clock.epoch() }), "throw");
  return { clock, sessions, session, asked, look, histories, world };
}

async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

describe("the token of a session that was begun with one", () => {
  // Without a call in between the master alone was asked, and what the rival had lost was never told.
  it("waits for a look at the nodes, and tells what was lost", async () => {
    const { sessions, session, asked, look } = setUp();
    const token = sessions.token(session);
    await turns();
    expect(asked).toEqual(["nodes"]);
    look.resolve();
    await expect(token).rejects.toMatchObject({ code: "IOREPLICA_WRITES_LOST" });
    expect(session.lost).toMatchObject([{ replid: RIVAL, fromOffset: 149, toOffset: 170 }]);
  });

  it("is not settled by the master while nobody knows who wins", async () => {
    const { clock, sessions, session, look, histories } = setUp();
    histories.decided = false;
    look.resolve();
    const token = sessions.token(session);
    let ended = false;
    const end = (): void => void (ended = true);
    token.then(end, end);
    for (let i = 0; i < 10; i++) {
      await turns();
      clock.advance(20);
    }
    await turns();
    expect(ended).toBe(false);
    histories.decided = true;
    clock.advance(20);
    await expect(token).rejects.toMatchObject({ code: "IOREPLICA_WRITES_LOST" });
  });

  // It waited for failoverTimeoutMs where every other call was told of the wrong password at once.
  it("is not waited for at all where every node refuses this client, nor on when they turn out to", async () => {
    const { clock, sessions, session, asked, world, look, histories } = setUp();
    world.hopeless = new NoMasterError(null, [{ node: "A", reason: "WRONGPASS" }]);
    await expect(sessions.token(session)).rejects.toBe(world.hopeless);
    expect(asked).toEqual([]);
    const refusal = world.hopeless;
    world.hopeless = null;
    histories.decided = false;
    look.resolve();
    const rejected = expect(sessions.token(session)).rejects.toBe(refusal);
    await turns();
    world.hopeless = refusal;
    clock.advance(20);
    await rejected;
  });

  it("is waited for no longer than for a master", async () => {
    const { clock, sessions, session, look, histories } = setUp();
    histories.decided = false;
    look.resolve();
    const token = sessions.token(session);
    const rejected = expect(token).rejects.toMatchObject({ code: "IOREPLICA_NO_MASTER" });
    for (let i = 0; i < 60; i++) {
      await turns();
      clock.advance(20);
    }
    await rejected;
  });
});
