import { readFileSync } from "node:fs";
import { splitArguments } from "../../../src/protocol/resp/split-arguments.js";
import { encodeCommand, show, type Wire } from "../../support/raw-client.js";
import { comparable, shapeOf } from "./comparable.js";
import type { Pair, Side } from "./servers.js";

/**
 * One line of a script:
 *
 *     set k "a\x00b"        a command on connection a
 *     b: get k              on connection b
 *     b! blpop q 0          sent on b, and both servers wait until one client more is blocked
 *     b- subscribe ch       sent on b without reading
 *     b?                    reads one reply of b
 *     ? spop s              only the shape of the reply is compared

 * `?` may stand before a connection too: `? b: spop s`. A reply that is read ends one client's blocking.
 */
interface Step {
  readonly line: string;
  readonly connection: string;
  readonly mode: "call" | "block" | "send" | "read";
  readonly shapeOnly: boolean;
  readonly args: readonly string[];
}

/** Reads the script of a group; empty lines and `#` comments are left out. */
export function readScript(name: string): Step[] {
  const text = readFileSync(new URL(`../scripts/${name}.txt`, import.meta.url), "latin1");
  return text
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"))
    .map(parseStep);
}

function parseStep(line: string): Step {
  const shapeOnly = line.startsWith("? ");
  const rest = shapeOnly ? line.slice(2) : line;
  const directed = /^([b-z])([:!?-])(?: (.*))?$/.exec(rest);
  const args = splitArguments(directed === null ? rest : (directed[3] ?? ""));
  if (args === null) throw new Error(`unbalanced quotes: ${line}`);
  const modes = { ":": "call", "!": "block", "-": "send", "?": "read" } as const;
  const mode = directed === null ? "call" : modes[directed[2] as keyof typeof modes];
  return { line, connection: directed?.[1] ?? "a", mode, shapeOnly, args };
}

/** Runs a script on both servers; every line whose replies differ. */
export async function runScript(pair: Pair, steps: readonly Step[], resp: 2 | 3): Promise<string[]> {
  await pair.reset(resp);
  const differences: string[] = [];
  let blocked = 0;
  for (const step of steps) {
    const perform = (side: Side): Promise<Wire | null> =>
      performStep(side, step, resp, blocked + 1).catch((cause: unknown) => {
        // A script is data: the line of the code says nothing, the line of the script all.
        throw new Error(`${side.name} at "${step.line}"`, { cause });
      });
    const [dev, real] = await Promise.all(pair.sides.map(perform));
    if (step.mode === "block") blocked++;
    if (step.mode === "read" && blocked > 0) blocked--;
    if (dev == null || real == null) continue;
    const same = step.shapeOnly
      ? shapeOf(dev) === shapeOf(real)
      : show(comparable(step.args, dev)) === show(comparable(step.args, real));
    if (!same) differences.push(`${step.line}\n  real ${show(real)}\n  dev  ${show(dev)}`);
  }
  return differences;
}

/** Does one step on one server; null if it reads nothing. */
async function performStep(side: Side, step: Step, resp: 2 | 3, blocked: number): Promise<Wire | null> {
  const isNew = !side.has(step.connection);
  const client = await side.connection(step.connection);
  if (isNew) await client.call("HELLO", String(resp));
  if (step.mode === "call") return client.call(...step.args);
  if (step.mode === "read") return client.read();
  client.send(encodeCommand(step.args));
  if (step.mode === "block") await side.blocked(blocked);
  return null;
}
