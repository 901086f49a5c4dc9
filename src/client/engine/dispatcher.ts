import type { DedicatedConnections } from "../connection/dedicated/dedicated-connections.js";
import { Subscriber } from "../connection/dedicated/subscriber.js";
import type { Command } from "../connection/ioredis-types.js";
import type { IssuedCommand } from "../connection/lean-command.js";
import {
  AbortedError,
  ClientClosedError,
  CursorLostError,
  InvalidArgumentError,
  TimeoutError,
  UnknownOutcomeError,
} from "../errors.js";
import type { CommandSpec } from "../routing/command-table.js";
import type { Engine } from "./engine.js";
import { Operation, type OperationSink } from "./operation.js";
import { isReplyError } from "./reply-kind.js";
import type { Scope } from "./scope.js";
import { findTransactions } from "./transaction.js";

/** What one client has of its own beside the engine that it may share. */
export interface DispatchHost {
  readonly engine: Engine;
  readonly dedicated: DedicatedConnections;
  /** Refuses new commands: ended, or about to. */
  readonly closed: boolean;
  /** QUIT as a command. */
  quit(): Promise<"OK">;
}

/** Commands that would change the state of a connection which all callers share. */
const REFUSED = new Map<string, string>([
  ["auth", "give username and password in redisOptions, or credentials"],
  ["hello", "give protocol, username and password in redisOptions"],
  ["reset", "the connections are shared and kept clean"],
  ["client|reply", "replies can't be switched off on shared connections"],
  ["psync", "it makes a replica of the connection"],
  ["sync", "it makes a replica of the connection"],
]);

/**
 * `execute()`: the one function that every command passes. It finds out what the command is and gives it to the
 * part that carries it: the write lane, the reader, a scan's home, or a connection of its own.
 */
export class Dispatcher {
  /** Commands whose promise is not settled. */
  pending = 0;
  #drained: (() => void)[] = [];
  readonly #direct: OperationSink = {
    replied: (operation, reply) => operation.succeed(reply),
    failed: (operation, error) => this.#directFailed(operation, error),
  };

  constructor(private readonly host: DispatchHost) {}

  execute(command: IssuedCommand, scope: Scope): void {
    const { engine } = this.host;
    const spec = engine.table.of(command.name, command.args);
    if (this.host.closed) {
      command.reject(new ClientClosedError({ command: command.name }));
      return;
    }
    if (this.#local(command, spec, scope)) return;
    const operation = this.#operation(command, spec, scope);
    if (operation.settled) return;
    if (scope.node !== null) this.#toNode(operation, scope.node);
    else if (spec.name === "multi" || scope.transaction?.wants(command.name) === true) this.#carry(operation, scope);
    else if (spec.intent === "read") engine.reader.read(operation);
    else if (spec.intent === "pinned") this.#scan(operation, scope);
    else if (spec.intent === "dedicated") this.#dedicated(operation, scope);
    else {
      engine.noteIssue(operation);
      engine.lane.submit([operation]);
    }
  }

  /** A pipeline is one unit: a read only if every command in it is; it goes whole to one node. */
  executeUnit(commands: readonly IssuedCommand[], scope: Scope): void {
    const { engine } = this.host;
    if (this.host.closed) {
      for (const command of commands) command.reject(new ClientClosedError({ command: command.name }));
      return;
    }
    const { transaction } = scope;
    if (scope.node !== null || (transaction !== null && commands.some(({ name }) => transaction.wants(name)))) {
      for (const command of commands) this.execute(command, scope);
      return;
    }
    const unit: Operation[] = [];
    const apart: Operation[] = [];
    let reads = true;
    let multi = false;
    let open = 0;
    for (const command of commands) {
      const spec = engine.table.of(command.name, command.args);
      if (this.#local(command, spec, scope)) continue;
      const operation = this.#operation(command, spec, scope);
      if (operation.settled) continue;
      const { name } = spec;
      if (name === "multi") {
        multi = true;
        open = unit.length;
      }
      // Inside MULTI nothing blocks, so all of it stays together.
      if (!multi && (spec.intent === "dedicated" || spec.intent === "pinned")) apart.push(operation);
      else {
        unit.push(operation);
        if (spec.intent !== "read" && name !== "multi" && name !== "exec" && name !== "discard") reads = false;
      }
      if (name === "exec" || name === "discard") multi = false;
    }
    if (multi) {
      // On a connection that all share it would swallow what others send after it.
      const error = new InvalidArgumentError("a MULTI in a pipeline needs its EXEC in the same pipeline", {
        command: "multi",
      });
      for (const operation of unit.splice(open)) operation.fail(error);
    }
    findTransactions(unit);
    if (unit.length > 0) {
      if (reads) engine.reader.submit(unit);
      else {
        for (const operation of unit) engine.noteIssue(operation);
        engine.lane.submit(unit);
      }
    }
    for (const operation of apart) {
      if (operation.spec.intent === "pinned") this.#scan(operation, scope);
      else this.#dedicated(operation, scope);
    }
  }

  /** Resolves when every command that was issued is settled. */
  async drained(): Promise<void> {
    if (this.pending === 0) return;
    await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  /** An operation's promise was settled. */
  readonly settled = (): void => {
    if (--this.pending === 0 && this.#drained.length > 0) for (const resolve of this.#drained.splice(0)) resolve();
  };

  #operation(command: IssuedCommand, spec: CommandSpec, scope: Scope): Operation {
    const { engine } = this.host;
    const operation = new Operation(
      command,
      spec,
      scope.view,
      scope.db,
      engine.clock.now(),
      scope.node === null ? engine : this.#direct,
      this.settled,
    );
    operation.order = engine.nextOrder();
    this.pending++;
    const { timeoutMs, signal } = scope.view;
    if (timeoutMs !== null || signal !== null) this.#limit(operation, timeoutMs, signal);
    const { commandTimeout } = engine.options.redis;
    if (commandTimeout !== undefined) (command as Partial<Command>).setTimeout?.(commandTimeout);
    return operation;
  }

  /** What is answered without asking a server. True if it was. */
  #local(command: IssuedCommand, spec: CommandSpec, scope: Scope): boolean {
    if (scope.transaction?.wants(command.name) === true) return false;
    const refused = REFUSED.get(spec.name);
    if (refused !== undefined) {
      command.reject(
        new InvalidArgumentError(
          `${spec.name.replace("|", " ").toUpperCase()} can't be used on a ReplicatedClient: ${refused}`,
          { command: command.name },
        ),
      );
      return true;
    }
    if (spec.name === "quit") {
      this.host.quit().then(
        () => command.resolve("OK"),
        (error: Error) => command.reject(error),
      );
      return true;
    }
    if (spec.name === "select") {
      const db = Number(command.args[0]);
      if (!Number.isInteger(db) || db < 0)
        command.reject(
          new InvalidArgumentError(`SELECT takes the number of a database, got ${String(command.args[0])}`, {
            command: "select",
          }),
        );
      else {
        scope.db = db;
        command.resolve("OK");
      }
      return true;
    }
    return false;
  }

  #limit(operation: Operation, timeoutMs: number | null, signal: AbortSignal | null): void {
    const { clock } = this.host.engine;
    // What lies on an open connection goes out with its flush, whoever has lost interest in it.
    const sent = (): "unknown" | "no" => {
      const { connection } = operation;
      return connection !== null && (connection.state !== "closed" || connection.wasSent(operation)) ? "unknown" : "no";
    };
    const place = { command: operation.name };
    const timer =
      timeoutMs === null
        ? null
        : clock.setTimer(
            () => operation.fail(new TimeoutError(timeoutMs, { ...place, sent: sent() })),
            timeoutMs,
            true,
          );
    const abort = (): void => operation.fail(new AbortedError({ ...place, sent: sent(), cause: signal?.reason }));
    operation.onSettled = () => {
      clock.clearTimer(timer);
      signal?.removeEventListener("abort", abort);
    };
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  }

  /** SCAN and its kin: cursors mean something only on the node that issued them. */
  #scan(operation: Operation, scope: Scope): void {
    if (operation.settled) return;
    const { engine } = this.host;
    operation.repeat ??= () => this.#scan(operation, scope);
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

  #dedicated(operation: Operation, scope: Scope): void {
    const { engine, dedicated } = this.host;
    const { command, spec } = operation;
    if (spec.name === "watch" || spec.name === "unwatch") {
      this.#carry(operation, scope);
      return;
    }
    const run = Subscriber.handles(command.name)
      ? dedicated.subscriber.execute(command)
      : dedicated.block(command, {
          db: scope.db,
          readOnly: spec.effects === "none",
          timeoutMs: scope.view.timeoutMs,
          signal: scope.view.signal,
        });
    this.#settleBy(operation, run, [operation], engine);
  }

  /** WATCH, an interactive MULTI, and what follows until EXEC: over the one connection on which it holds. */
  #carry(operation: Operation, scope: Scope): void {
    scope.transaction ??= this.host.dedicated.transactions();
    const { name } = operation.spec;
    if (name === "multi") scope.queued = [];
    else if (name !== "exec" && operation.spec.effects !== "none") scope.queued.push(operation);
    const written = name === "exec" ? scope.queued : [];
    if (name === "exec" || name === "discard") scope.queued = [];
    this.#settleBy(operation, scope.transaction.carry(operation.command, scope.db), written, this.host.engine);
  }

  /** Writes over other connections are known to the ledger from their answer on: while they wait they write nothing. */
  #settleBy(operation: Operation, run: Promise<unknown>, written: readonly Operation[], engine: Engine): void {
    run.then(
      (reply) => {
        for (const one of written) {
          engine.noteIssue(one);
          if (one.ticket) engine.ledger.ackedElsewhere(one.ticket);
        }
        operation.succeed(reply);
      },
      (error: Error) => {
        if (error instanceof UnknownOutcomeError) {
          for (const one of written) {
            engine.noteIssue(one);
            if (one.ticket) engine.ledger.unknown(one.ticket);
          }
        }
        operation.fail(error);
      },
    );
  }

  #toNode(operation: Operation, node: string): void {
    const connection = this.host.engine.links.get(node)?.connection;
    if (connection?.state === "open") connection.send(operation);
    else operation.fail(this.host.engine.notConnected(node, operation));
  }

  #directFailed(operation: Operation, error: Error): void {
    const { connection } = operation;
    if (isReplyError(error)) operation.fail(this.host.engine.replyError(operation, error));
    else if (connection?.wasSent(operation)) {
      operation.fail(
        new UnknownOutcomeError("the connection was lost before the reply", {
          node: connection.node,
          command: operation.name,
        }),
      );
    } else operation.fail(this.host.engine.notConnected(connection?.node ?? "", operation));
  }
}
