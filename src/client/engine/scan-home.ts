import { CursorLostError } from "../errors.js";
import type { Engine } from "./engine.js";
import type { Operation } from "./operation.js";
import type { Scope } from "./scope.js";

/**
 * SCAN and its kin: cursors mean something only on the node that issued them, so all of a view go to its scan home,
 * which is chosen anew at each cursor 0.
 */
export function scan(operation: Operation, scope: Scope, engine: Engine): void {
  if (operation.settled) return;
  operation.repeat ??= () => scan(operation, scope, engine);
  const cursor = String(operation.command.args[operation.spec.name === "scan" ? 0 : 1]);
  const home = scope.scanHome === null ? undefined : engine.links.get(scope.scanHome);
  const moved = operation.home !== null && operation.home !== scope.scanHome && cursor !== "0";
  if (!moved && home?.connection?.state === "open" && (home.serves || home.isMaster)) {
    operation.home = home.id;
    engine.reader.sendTo(operation, home);
    return;
  }
  if (cursor !== "0") {
    operation.fail(new CursorLostError({ command: operation.name }));
    return;
  }
  const chosen = engine.reader.choose(operation);
  scope.scanHome = chosen?.id ?? engine.history?.node ?? null;
  operation.home = scope.scanHome;
  if (chosen === null) engine.toMaster([operation]);
  else engine.reader.sendTo(operation, chosen);
}
