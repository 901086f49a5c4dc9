import { UnknownOutcomeError } from "../errors.js";
import { replyError } from "./call-errors.js";
import type { Engine } from "./engine.js";
import type { Operation, OperationSink } from "./operation.js";
import { isReplyError } from "./reply-kind.js";

/**
 * The way of a command that is meant for one node, whatever that is: over the shared connection, but neither
 * routed nor retried nor verified. What it writes to the master is seen by reads that are routed.
 */
export class NodeRoute implements OperationSink {
  constructor(private readonly engine: () => Engine) {}

  /** A node of one's choice is not waited for: fails at once if it can't be reached. */
  reaches(operation: Operation, node: string): boolean {
    const engine = this.engine();
    if (engine.links.get(node)?.connection?.state === "open") return true;
    operation.fail(engine.errors.notConnected(node, operation));
    return false;
  }

  send(operation: Operation, node: string): void {
    if (!this.reaches(operation, node)) return;
    const engine = this.engine();
    if (engine.history?.node === node) engine.noteIssue(operation);
    engine.links.get(node)?.connection?.send(operation);
  }

  replied(operation: Operation, reply: unknown): void {
    this.#written(operation);
    operation.succeed(reply);
  }

  failed(operation: Operation, error: Error): void {
    const engine = this.engine();
    const { connection, ticket } = operation;
    if (isReplyError(error)) {
      this.#written(operation);
      operation.fail(replyError(operation, error));
      return;
    }
    operation.ticket = null;
    if (connection?.wasSent(operation)) {
      if (ticket !== null) {
        // It may still run: before anything else is written there, the next connection has this one killed.
        connection.unansweredWrites = true;
        engine.ledger.unknown(ticket);
      }
      operation.fail(
        new UnknownOutcomeError("the connection was lost before the reply", {
          node: connection.node,
          command: operation.name,
        }),
      );
      return;
    }
    if (ticket !== null) engine.ledger.notApplied(ticket);
    operation.fail(engine.errors.notConnected(connection?.node ?? "", operation));
  }

  /** It was answered, an error included, over a connection that the lane knows nothing of. */
  #written(operation: Operation): void {
    if (operation.ticket !== null) this.engine().ledger.ackedElsewhere(operation.ticket);
    operation.ticket = null;
  }
}
