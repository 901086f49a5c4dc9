import { keysOf } from "../routing/command-spec.js";
import type { NodeDescription, ReadContext, ReadFrom } from "../types.js";
import type { NodeLink } from "./node-link.js";
import type { Operation } from "./operation.js";

/** Who knows the nodes. */
export interface NodeDirectory {
  link(node: string): NodeLink | undefined;
  describe(): readonly NodeDescription[];
}

/** The keys of a call, as it was given them. */
export function keysOfCall({ spec, command }: Operation): (string | Buffer)[] {
  return keysOf(spec, command.args).map((position) => command.args[position] as string | Buffer);
}

/** The nodes that a `readFrom` function wants this read to go to, the most wanted first. Throws what the function throws. */
export function orderByFunction(
  nodes: NodeDirectory,
  operation: Operation,
  readFrom: Exclude<ReadFrom, string>,
): NodeLink[] {
  const { spec, view } = operation;
  const context: ReadContext = {
    command: spec.name,
    keys: keysOfCall(operation),
    consistency: view.consistency,
    ...(view.maxStalenessMs === null ? {} : { maxStalenessMs: view.maxStalenessMs }),
  };
  const ordered: NodeLink[] = [];
  for (const { id } of readFrom(nodes.describe(), context)) {
    const link = nodes.link(id);
    if (link) ordered.push(link);
  }
  return ordered;
}

/** The replicas among them without `first`. What the function throws at a second question is nobody's error: none then. */
export function othersByFunction(
  nodes: NodeDirectory,
  operation: Operation,
  readFrom: Exclude<ReadFrom, string>,
  first: string | undefined,
): NodeLink[] {
  try {
    return orderByFunction(nodes, operation, readFrom).filter(({ id, isMaster }) => id !== first && !isMaster);
  } catch {
    return [];
  }
}
