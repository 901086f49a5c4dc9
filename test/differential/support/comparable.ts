import { show, type Wire } from "../../support/raw-client.js";

/** Commands whose elements Redis returns in no particular order. */
const unordered = new Set(
  [
    ...["smembers", "sinter", "sunion", "sdiff", "hkeys", "hvals", "keys"],
    // Of these, scripts ask for all elements, or for the shape only.
    ...["spop", "srandmember", "pubsub"],
  ].map((name) => name.toUpperCase()),
);
const unorderedPairs = new Set(["HGETALL"]);
const scans = new Map([
  ["SSCAN", 1],
  ["SCAN", 1],
  ["HSCAN", 2],
  ["ZSCAN", 2],
]);

/** The reply with what Redis leaves open made equal: the order of unordered elements. */
export function comparable(command: readonly string[], reply: Wire): Wire {
  const name = (command[0] ?? "").toUpperCase();
  const wire = name === "COMMAND" ? withoutNotes(reply) : reply;
  if (!("items" in wire)) return wire;
  if (wire.type === "%" || unorderedPairs.has(name)) return { ...wire, items: sortedGroups(wire.items, 2) };
  if (wire.type === "~" || unordered.has(name)) return { ...wire, items: sortedGroups(wire.items, 1) };
  const group = scans.get(name);
  const elements = wire.items[1];
  if (group === undefined || elements === undefined || !("items" in elements)) return wire;
  return { ...wire, items: [wire.items[0] as Wire, { ...elements, items: sortedGroups(elements.items, group) }] };
}

/** Key specs without their notes: those are prose for readers of Redis's sources, and the dev server has none. */
function withoutNotes(wire: Wire): Wire {
  if (!("items" in wire)) return wire;
  const [first] = wire.items;
  const hasNotes = first !== undefined && "text" in first && first.text === "notes";
  return { ...wire, items: (hasNotes ? wire.items.slice(2) : wire.items).map(withoutNotes) };
}

/** The reply with every text dropped: what must agree where chance decides. */
export function shapeOf(wire: Wire): string {
  if ("items" in wire) return `${wire.type}[${wire.items.map(shapeOf).join(" ")}]`;
  return wire.type;
}

function sortedGroups(items: readonly Wire[], size: number): Wire[] {
  const groups: Wire[][] = [];
  for (let at = 0; at < items.length; at += size) groups.push(items.slice(at, at + size));
  const keyed = groups.map((group) => ({ group, key: group.map(show).join(" ") }));
  keyed.sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0));
  return keyed.flatMap(({ group }) => group);
}
