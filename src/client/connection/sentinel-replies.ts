import type { Address } from "../topology/address.js";

/** The answer to `SENTINEL get-master-addr-by-name`; null if it knows no such name. */
export function masterOfReply(reply: unknown): Address | null {
  return Array.isArray(reply) ? addressOf(reply[0], reply[1]) : null;
}

/**
 * The addresses in an answer to `SENTINEL replicas` or `SENTINEL sentinels`: a list of field lists (RESP2) or of
 * maps (RESP3). `onlyUp` leaves out those that the Sentinel believes to be down: it never forgets one.
 */
export function nodesOfReply(reply: unknown, onlyUp: boolean): Address[] {
  if (!Array.isArray(reply)) return [];
  const addresses: Address[] = [];
  for (const entry of reply) {
    const fields = fieldsOf(entry);
    const address = addressOf(fields.get("ip"), fields.get("port"));
    const flags = (fields.get("flags") ?? "").split(",");
    const down = flags.some((flag) => flag === "s_down" || flag === "o_down" || flag === "disconnected");
    if (address !== null && !(onlyUp && down)) addresses.push(address);
  }
  return addresses;
}

/** The new address in a `+switch-master` message (`name oldHost oldPort newHost newPort`) about `name`. */
export function parseSwitch(message: string, name: string): Address | null {
  const words = message.split(" ");
  return words.length === 5 && words[0] === name ? addressOf(words[3], words[4]) : null;
}

function fieldsOf(entry: unknown): Map<string, string> {
  const fields = new Map<string, string>();
  if (Array.isArray(entry)) {
    for (let i = 0; i + 1 < entry.length; i += 2) fields.set(String(entry[i]), String(entry[i + 1]));
  } else if (entry instanceof Map) {
    for (const [name, value] of entry) fields.set(String(name), String(value));
  } else if (entry !== null && typeof entry === "object") {
    for (const [name, value] of Object.entries(entry)) fields.set(name, String(value));
  }
  return fields;
}

function addressOf(host: unknown, port: unknown): Address | null {
  const number = Number(port);
  if (typeof host !== "string" || host === "") return null;
  return Number.isInteger(number) && number > 0 && number <= 65535 ? { host, port: number } : null;
}
