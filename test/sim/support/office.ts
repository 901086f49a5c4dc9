import type { Deed } from "./plan.js";

/** A write as it came to a server. */
export interface Arrival {
  readonly server: number;
  readonly at: number;
}

/** A client learned by its own poll that a server says it is master. */
export interface Sign {
  readonly client: string;
  readonly server: number;
  readonly at: number;
  /** When the client took a master, or lost sight of that server: until then it was undecided who is master. */
  until: number;
  /** Whether that server had this value then. */
  readonly has: (value: string) => boolean;
}

/** Who is master when, and what came where. */
export interface Office {
  readonly plan: readonly Deed[];
  readonly successions: readonly { readonly at: number; readonly from: number; readonly to: number }[];
  readonly arrivals: ReadonlyMap<string, readonly Arrival[]>;
  readonly signs: readonly Sign[];
  readonly writes: readonly {
    readonly client: string;
    readonly value: string;
    readonly invoked: number;
    readonly returned: number;
    readonly lost: boolean;
  }[];
  /** By `session` and above, those that succeeded. */
  readonly reads: readonly {
    readonly client: string;
    readonly values: readonly string[];
    readonly invoked: number;
    readonly returned: number;
  }[];
}

/** What was judged, and what was wrong with it. */
export interface Judged {
  /** Writes that came to a server. */
  readonly checked: number;
  /** Reads that were called and answered while their client knew of a second master. */
  readonly during: number;
  /** Reads that were called in such a time and answered after it. */
  readonly outlasting: number;
  readonly wrong: readonly string[];
}

/** What leaves a client able to see a promotion at its next poll. */
const HARMLESS = ["promote", "lag", "save", "stepClock", "pauseClient"] as const satisfies readonly Deed["do"][];

/**
 * Nothing goes to a deposed master: a write arrives only where somebody was master within the last `noticeMs` (a poll
 * interval and what a poll takes); once a client has seen the new master, what it calls goes nowhere else, and what it
 * had called before is not acknowledged elsewhere and lost. While it knows of two masters it reads nothing that the new
 * one has not. Judged where nothing kept the client from seeing it.
 */
export function judgeOffice(office: Office, noticeMs: number): Judged {
  const { plan, successions, arrivals, signs, writes, reads } = office;
  const wrong: string[] = [];
  if (!plan.every(({ do: what }) => (HARMLESS as readonly string[]).includes(what)))
    return { checked: 0, during: 0, outlasting: 0, wrong };
  let checked = 0;
  const masterAt = (time: number): number => successions.findLast(({ at }) => at <= time)?.to ?? 0;
  for (const { client, value, invoked, returned, lost } of writes) {
    const came = arrivals.get(value) ?? [];
    for (const { server, at } of came) {
      checked++;
      const masters = [masterAt(invoked - noticeMs)];
      for (const one of successions) if (one.at > invoked - noticeMs && one.at <= at) masters.push(one.to);
      if (!masters.includes(server))
        wrong.push(`${client} ${value} @${Math.round(invoked)} went to server ${server}, deposed long ago`);
      const seen = signs.find((one) => one.client === client && one.at < invoked && one.at > invoked - noticeMs);
      if (
        seen !== undefined &&
        seen.server !== server &&
        masterAt(seen.at) === seen.server &&
        masterAt(at) === seen.server
      )
        wrong.push(
          `${client} ${value} @${Math.round(invoked)} went to server ${server} after the client saw ${seen.server}`,
        );
    }
    const [first] = came;
    if (!lost || first === undefined || came.length > 1) continue;
    const sign = signs.find((one) => one.client === client && one.at < returned && one.at > invoked - noticeMs);
    if (sign !== undefined && masterAt(sign.at) === sign.server && first.server !== sign.server)
      wrong.push(`${client} ${value} was acknowledged by server ${first.server} after the client saw ${sign.server}`);
  }
  let [during, outlasting] = [0, 0];
  for (const { client, values, invoked, returned } of reads) {
    const sign = signs.find((one) => one.client === client && one.at < invoked && invoked < one.until);
    if (sign === undefined || masterAt(sign.at) !== sign.server) continue;
    if (returned >= sign.until) outlasting++;
    else {
      during++;
      for (const value of values)
        if (!sign.has(value))
          wrong.push(
            `${client} @${Math.round(invoked)}-${Math.round(returned)} read ${value}, which server ${sign.server} has not, as it has known since ${Math.round(sign.at)}`,
          );
    }
  }
  return { checked, during, outlasting, wrong };
}
