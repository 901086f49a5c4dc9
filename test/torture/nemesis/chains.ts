import type { Nemesis } from "./nemesis.js";

/** Harm to a chain of servers, each of which follows the one before it. */
export const chains: readonly Nemesis[] = [
  {
    // The tail's link goes down with it, and the tail gets its data anew when it is back, with nothing.
    name: "chain-middle-crash",
    only: "chain",
    async harm({ fleet, span, nextToMaster }) {
      const middle = nextToMaster();
      await fleet.server(middle).kill9();
      await span(200, 700);
      await fleet.revive(middle, { replicaOf: fleet.master });
      await span(200, 400);
    },
  },
  {
    // Nothing comes from the master any more, and yet the tail's own link is up.
    name: "chain-middle-held",
    only: "chain",
    async harm({ fleet, span, nextToMaster }) {
      fleet.linkOf(nextToMaster()).hold(["toClient"]);
      await span(500, 1200);
    },
  },
  {
    // The tail goes on to follow whom it follows, and nobody tells it anything.
    name: "chain-middle-promoted",
    only: "chain",
    async harm({ fleet, span, nextToMaster }) {
      const middle = nextToMaster();
      await fleet.server(fleet.master).kill9();
      await span(50, 300);
      await fleet.promote(middle);
      await span(300, 700);
    },
  },
];
