import { parseArgs } from "node:util";

/** What a run was asked for. */
export interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly servers: number;
  /** Milliseconds between two calls of one loop, on average. */
  readonly paceMs: number;
  /** Only the controls, which must fail. */
  readonly control: boolean;
  readonly without: ReadonlySet<string>;
  /** Not all nemeses were asked for: their absence is no failure. */
  readonly partial: boolean;
  takes(nemesis: string): boolean;
}

const USAGE = `npm run torture -- [--minutes 2] [--seed n] [--servers 3] [--pace ms] [--only nemesis,…] [--without netns] [--control]`;

/** @throws with the usage, for an option that there is not or a value that makes no sense */
export function parseOptions(args: string[], nemeses: readonly string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      minutes: { type: "string", default: "2" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
      servers: { type: "string", default: "3" },
      pace: { type: "string", default: "3" },
      only: { type: "string" },
      without: { type: "string", default: "" },
      control: { type: "boolean", default: false },
    },
  });
  const only = values.only?.split(",") ?? null;
  for (const name of only ?? [])
    if (!nemeses.includes(name)) throw new Error(`--only ${name}: one of ${nemeses.join(", ")}`);
  if (!["", "netns"].includes(values.without))
    throw new Error(`--without ${values.without}: only netns can be left out`);
  return {
    minutes: number("minutes", values.minutes, 0),
    seed: number("seed", values.seed, 0),
    servers: number("servers", values.servers, 3),
    paceMs: number("pace", values.pace, 0),
    control: values.control,
    without: new Set(values.without === "" ? [] : [values.without]),
    partial: only !== null,
    takes: (nemesis) => only === null || only.includes(nemesis),
  };
}

function number(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text === "" || !(value >= least)) throw new Error(`--${name} ${text}: a number, at least ${least}\n${USAGE}`);
  return value;
}
