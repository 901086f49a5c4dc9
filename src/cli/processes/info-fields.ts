/** Parses INFO's `name:value` lines. */
export function parseFields(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

/** Calls of a command in `INFO commandstats`. */
export function callsIn(commandstats: ReadonlyMap<string, string>, commands: readonly string[]): number {
  return commands.reduce((sum, command) => {
    const stat = commandstats.get(`cmdstat_${command.toLowerCase()}`);
    return sum + Number(/calls=(\d+)/.exec(stat ?? "")?.[1] ?? 0);
  }, 0);
}
