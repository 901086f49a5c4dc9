import { type AclCommand, CATEGORIES, catalogue, everyCommand } from "./catalogue.js";
import { type KeyPattern, READ, Selector, WRITE } from "./selector.js";

/** The key patterns as rules, `~*` for all. */
export function describeKeys(selector: Selector): string {
  return selector.allKeys ? "~*" : selector.keys.map(keyRule).join(" ");
}

function keyRule({ pattern, access }: KeyPattern): string {
  const sign = access === (READ | WRITE) ? "~" : access === READ ? "%R~" : "%W~";
  return `${sign}${pattern}`;
}

/** The channel patterns as rules, `&*` for all. */
export function describeChannels(selector: Selector): string {
  return selector.allChannels ? "&*" : selector.channels.map((channel) => `&${channel}`).join(" ");
}

/** A selector as the rules that make it, as ACL LIST shows it. */
export function describeSelector(selector: Selector): string {
  const parts = [describeKeys(selector)];
  if (!selector.allChannels) parts.push("resetchannels");
  parts.push(describeChannels(selector), describeCommands(selector));
  return parts.filter((part) => part !== "").join(" ");
}

/**
 * The rules that lead to the same bits: beginning with all or nothing, the categories that fit best, then single commands.
 * Which commands are allowed is kept, not how it was said, so that the text is short and the same for equal rights.
 */
export function describeCommands(selector: Selector): string {
  const additive = !selector.allowsFuture;
  const rules = [additive ? "-@all" : "+@all"];
  // What the rules so far amount to, and what of the wanted bits no category has explained yet.
  const reached = new Selector(false);
  reached.apply(rules[0] as string);
  const left = selector.copy();
  const open = new Set(CATEGORIES);
  for (;;) {
    const best = bestCategory(left, open, additive);
    if (best === null) break;
    open.delete(best);
    const rule = `${additive ? "+" : "-"}@${best}`;
    rules.push(rule);
    reached.apply(rule);
    left.apply(`${additive ? "-" : "+"}@${best}`);
  }
  describeSingly(catalogue, selector, reached, rules);
  return rules.join(" ");
}

/** The category with more commands that agree than differ, and the fewest that differ; null if there is none. */
function bestCategory(selector: Selector, open: ReadonlySet<string>, additive: boolean): string | null {
  let best: string | null = null;
  let fewest = Number.POSITIVE_INFINITY;
  let most = 0;
  for (const category of open) {
    let on = 0;
    let off = 0;
    for (const command of everyCommand()) {
      if (!command.categories.has(category)) continue;
      if (selector.allows(command)) on++;
      else off++;
    }
    const same = additive ? on : off;
    const different = additive ? off : on;
    if (same > different && (different < fewest || (different === fewest && same > most))) {
      best = category;
      fewest = different;
      most = same;
    }
  }
  return best;
}

function describeSingly(commands: readonly AclCommand[], selector: Selector, reached: Selector, rules: string[]): void {
  for (const command of commands) {
    const allowed = selector.allows(command);
    if (allowed !== reached.allows(command)) {
      rules.push(`${allowed ? "+" : "-"}${command.name}`);
      reached.set(command, allowed);
    }
    describeSingly(command.subcommands, selector, reached, rules);
    if (!allowed) for (const argument of selector.firstArgsOf(command)) rules.push(`+${command.name}|${argument}`);
  }
}
