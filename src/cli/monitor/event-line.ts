import type { TopologyEvent } from "../../client/types.js";

/** A replid is 40 characters; so many tell it from others. */
const short = (replid: string): string => replid.slice(0, 8);

/** `12:34:56.789 masterChanged a:1 → b:2 (history 0123abcd)`; the time is UTC. */
export function eventLine(event: TopologyEvent): string {
  return `${new Date(event.at).toISOString().slice(11, 23)} ${event.type} ${factsOf(event)}`;
}

function factsOf(event: TopologyEvent): string {
  switch (event.type) {
    case "nodeAdded":
    case "nodeRemoved":
      return event.node;
    case "nodeHealth":
      return `${event.node}: ${event.from} → ${event.to} (${event.reason})`;
    case "roleChanged":
      return `${event.node}: ${event.from} → ${event.to}`;
    case "masterChanged":
      return `${event.from ?? "none"} → ${event.to} (history ${short(event.replid)})`;
    case "splitBrain":
      return `${event.claimants.join(" and ")} claim to be master: writes are held`;
    case "historyChanged":
      return `${short(event.from)} → ${short(event.to)}${event.proven ? "" : ", NOT proven to continue it"}`;
    case "historyReset":
      return `${event.node} came back ${event.kind === "rolledBack" ? "with older data" : "with unrelated data, or none"}; last offset was ${event.lastOffset}`;
    case "writesLost":
      return `${event.count.min} to ${event.count.max} writes of history ${short(event.replid)}, offsets ${event.fromOffset} to ${event.toOffset}`;
    case "failoverStarted":
      return event.reason;
    case "failoverEnded":
      return `${event.master} after ${Math.round(event.durationMs)} ms`;
  }
}
