import type { DedicatedConnections } from "../connection/dedicated/dedicated-connections.js";
import { Subscriber } from "../connection/dedicated/subscriber.js";
import type { Command } from "../connection/ioredis-types.js";
import { type IssuedCommand, LeanCommand } from "../connection/lean-command.js";
import { OWN_SELECT } from "../connection/node-connection.js";
import type { CausalSession } from "../consistency/session.js";
import { ClientClosedError, InvalidArgumentError, UnknownOutcomeError } from "../errors.js";
import type { CommandSpec } from "../routing/command-table.js";
import { isDatabase, isSelect, leavesMultiOpen, lentRefusal, selectInMulti, sharedRefusal } from "./command-rules.js";
import { Databases } from "./databases.js";
import { limit } from "./deadline.js";
import type { Engine } from "./engine.js";
import { NodeRoute } from "./node-route.js";
import { Operation } from "./operation.js";
import { OwnOperations } from "./own-operations.js";
import { ReadOrder } from "./read-order.js";
import { scan } from "./scan-home.js";
import type { Scope } from "./scope.js";
import { traceOf } from "./trace.js";
import { findTransactions } from "./transaction.js";

/** What one client has of its own beside the engine that it may share. */
export interface DispatchHost {
  readonly engine: Engine;
  readonly dedicated: DedicatedConnections;
  /** Connections of one's own to one node, for a view that speaks to it only. */
  dedicatedTo(node: string): DedicatedConnections;
  /** Refuses new commands: ended, or about to. */
  readonly closed: boolean;
  /** Nothing goes out any more, not even what was issued before. */
  readonly ended: boolean;
  /** QUIT as a command. */
  quit(): Promise<"OK">;
}

/**
 * `execute()`: the one function that every command passes. It finds out what the command is and gives it to the
 * part that carries it: the write lane, the reader, a scan's home, or a connection of its own.
 */
export class Dispatcher {
  /** Commands whose promise is not settled. */
  pending = 0;
  #drained: (() => void)[] = [];
  readonly #own = new OwnOperations();
  readonly #databases: Databases;
  readonly #toNode = new NodeRoute(() => this.host.engine);

  constructor(private readonly host: DispatchHost) {
    this.#databases = new Databases(
      {
        probe: (db, scope) => this.#probe(db, scope),
        limit: () => host.engine.options.limits.queuedCommands,
        waits: (change) => {
          this.pending += change;
          this.#wake();
        },
      },
      () => host.engine.options.db,
    );
  }

  execute(command: IssuedCommand, scope: Scope): void {
    if (this.host.closed) {
      command.reject(new ClientClosedError({ command: command.name }));
      return;
    }
    if (scope.confirmed === this.#databases.epoch || this.#admits([command], scope)) this.#run(command, scope);
  }

  /** A pipeline is one unit: a read only if every command in it is; it goes whole to one node. */
  executeUnit(commands: readonly IssuedCommand[], scope: Scope): void {
    if (this.host.closed) {
      for (const command of commands) command.reject(new ClientClosedError({ command: command.name }));
      return;
    }
    const at = commands.findIndex(isSelect);
    if (at >= 0) this.#around(commands, at, scope);
    else if (scope.confirmed === this.#databases.epoch || this.#admits(commands, scope)) this.#runUnit(commands, scope);
  }

  /** Another node is the master. */
  masterChanged(): void {
    this.#databases.forget();
  }

  /** Rejects what is under way on shared connections, and what waits for them. */
  close(): void {
    this.#own.close();
  }

  #run(command: IssuedCommand, scope: Scope): void {
    const { engine } = this.host;
    const spec = engine.table.of(command.name, command.args);
    if (this.#local(command, spec, scope)) return;
    const operation = this.#operation(command, spec, scope);
    if (operation.settled || this.#refused([operation])) return;
    if (operation.session === null || !this.#afterLook([operation], operation.session, scope))
      this.#send(operation, scope);
  }

  /** A call whose session must be told of something first ends whole: half a transaction would be applied bare. */
  #refused(operations: readonly Operation[]): boolean {
    for (const operation of operations) {
      const { sessions, acks } = this.host.engine;
      const refusal = acks.refusal(operation) ?? sessions.refusal(operation.session, operation);
      if (refusal === null) continue;
      for (const one of operations) one.fail(refusal);
      return true;
    }
    return false;
  }

  #afterLook(operations: readonly Operation[], session: CausalSession, scope: Scope): boolean {
    return this.host.engine.afterLook.holds(operations, session, (left) => {
      if (this.#refused(left)) return;
      if (left.length === 1) this.#send(left[0] as Operation, scope);
      else this.#sendUnit(left, scope);
    });
  }

  #send(operation: Operation, scope: Scope): void {
    const { engine } = this.host;
    const { command, spec } = operation;
    if (spec.name === "multi" || scope.transaction?.wants(command.name) === true) this.#carry(operation, scope);
    else if (scope.node !== null && spec.intent !== "dedicated") this.#toNode.send(operation, scope.node);
    else if (spec.intent === "read") engine.reader.read(operation);
    else if (spec.intent === "pinned") scan(operation, scope, engine);
    else if (spec.intent === "dedicated") this.#dedicated(operation, scope);
    else {
      engine.noteIssue(operation);
      engine.lane.submit([operation]);
    }
  }

  #runUnit(commands: readonly IssuedCommand[], scope: Scope): void {
    const { engine } = this.host;
    const { transaction } = scope;
    if (transaction !== null && commands.some(({ name }) => transaction.wants(name))) {
      for (const command of commands) this.#run(command, scope);
      return;
    }
    const operations: Operation[] = [];
    for (const command of commands) {
      const spec = engine.table.of(command.name, command.args);
      if (this.#local(command, spec, scope)) continue;
      const operation = this.#operation(command, spec, scope);
      if (!operation.settled) operations.push(operation);
    }
    if (this.#refused(operations)) return;
    const session = operations[0]?.session;
    if (!session || !this.#afterLook(operations, session, scope)) this.#sendUnit(operations, scope);
  }

  #sendUnit(operations: readonly Operation[], scope: Scope): void {
    const { engine } = this.host;
    const { node } = scope;
    const unit: Operation[] = [];
    const apart: Operation[] = [];
    let reads = true;
    let multi = false;
    let open = 0;
    for (const operation of operations) {
      const { intent, name } = operation.spec;
      if (name === "multi") {
        multi = true;
        open = unit.length;
      }
      // Inside MULTI nothing blocks, so all of it stays together.
      if (!multi && (intent === "dedicated" || intent === "pinned")) apart.push(operation);
      else {
        unit.push(operation);
        if (intent !== "read" && name !== "multi" && name !== "exec" && name !== "discard") reads = false;
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
    if (node !== null) for (const operation of unit.splice(0)) this.#toNode.send(operation, node);
    findTransactions(unit);
    if (unit[0]?.session) ReadOrder.of(unit);
    if (unit.length > 0 && reads) engine.reader.submit(unit);
    else if (unit.length > 0) {
      for (const operation of unit) engine.noteIssue(operation);
      engine.toMaster(unit);
    }
    for (const operation of apart) {
      if (operation.spec.intent !== "pinned") this.#dedicated(operation, scope);
      else if (node !== null) this.#toNode.send(operation, node);
      else scan(operation, scope, engine);
    }
  }

  /** SELECT in a pipeline parts it: what comes behind is meant for another database. */
  #around(commands: readonly IssuedCommand[], at: number, scope: Scope): void {
    const before = commands.slice(0, at);
    if (leavesMultiOpen(before)) {
      for (const command of commands) command.reject(selectInMulti(command.name));
      return;
    }
    if (before.length > 0) this.executeUnit(before, scope);
    this.execute(commands[at] as IssuedCommand, scope);
    if (at + 1 < commands.length) this.executeUnit(commands.slice(at + 1), scope);
  }

  /** False: the database of these is to be asked for first, and they come again by themselves. */
  #admits(commands: readonly IssuedCommand[], scope: Scope): boolean {
    const [first] = commands as [IssuedCommand];
    const reject = (error: Error): void => {
      for (const command of commands) command.reject(error);
    };
    const db = isSelect(first) ? Number(first.args[0]) : null;
    if (db !== null && scope.waiting === null) return true;
    return this.#databases.admits(scope, {
      name: first.name,
      selects: db !== null && isDatabase(db) ? db : null,
      reject,
      run: () => {
        if (this.host.ended) reject(new ClientClosedError({ command: first.name }));
        else if (scope.confirmed !== this.#databases.epoch && !this.#admits(commands, scope)) return;
        else if (commands.length === 1) this.#run(first, scope);
        else this.#runUnit(commands, scope);
      },
    });
  }

  /** Asks whether the database exists, as a read that no other command shares its database with. */
  async #probe(db: number, scope: Scope): Promise<unknown> {
    const { engine } = this.host;
    const command = new LeanCommand("select", [String(db)], true);
    const spec: CommandSpec = { ...engine.table.of("select", command.args), intent: "read", effects: "none" };
    const operation = this.#operation(command, spec, scope, OWN_SELECT);
    if (!operation.settled) {
      if (scope.node === null) engine.lane.submit([operation]);
      else this.#toNode.send(operation, scope.node);
    }
    return command.promise;
  }

  /** Resolves when every command that was issued is settled. */
  async drained(): Promise<void> {
    if (this.pending === 0) return;
    await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  /** An operation's promise was settled. */
  readonly #settled = (operation: Operation): void => {
    this.#own.remove(operation);
    this.pending--;
    this.#wake();
    operation.view.trace?.(traceOf(operation, this.host.engine));
  };

  #wake(): void {
    if (this.pending === 0 && this.#drained.length > 0) for (const resolve of this.#drained.splice(0)) resolve();
  }

  #operation(command: IssuedCommand, spec: CommandSpec, scope: Scope, db = scope.db): Operation {
    const { engine } = this.host;
    const operation = new Operation(
      command,
      spec,
      scope.view,
      db,
      engine.clock.now(),
      scope.node === null ? engine : this.#toNode,
      this.#settled,
    );
    operation.order = engine.nextOrder();
    this.pending++;
    this.#own.add(operation);
    if (db !== OWN_SELECT) operation.session = scope.session;
    const { timeoutMs, signal } = scope.view;
    // A blocking command is called off on its own connection, so that it takes nothing after its caller was told.
    const ownWay = spec.intent === "dedicated" && spec.blocking && scope.lent === null;
    if ((timeoutMs !== null || signal !== null) && !ownWay) limit(operation, engine.clock, timeoutMs, signal);
    const { commandTimeout } = engine.options.redis;
    if (commandTimeout !== undefined) (command as Partial<Command>).setTimeout?.(commandTimeout);
    return operation;
  }

  /** What is answered without asking a server. True if it was. */
  #local(command: IssuedCommand, spec: CommandSpec, scope: Scope): boolean {
    if (scope.lent !== null) {
      const refusal = lentRefusal(command, spec);
      if (refusal !== null) {
        command.reject(refusal);
        return true;
      }
    }
    if (scope.transaction?.wants(command.name) === true && (scope.lent === null || scope.queued !== null)) {
      if (spec.name !== "select") return false;
      // What follows is meant for the other database: nothing of it may be applied in this one.
      scope.transaction.abandon("SELECT inside MULTI", true);
      command.reject(selectInMulti(command.name));
      return true;
    }
    const refusal = scope.lent === null ? sharedRefusal(command, spec) : null;
    if (refusal !== null) {
      command.reject(refusal);
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
      if (!isDatabase(db))
        command.reject(
          new InvalidArgumentError(`SELECT takes the number of a database, got ${String(command.args[0])}`, {
            command: "select",
          }),
        );
      else this.#databases.select(scope, db).then(command.resolve.bind(command), command.reject.bind(command));
      return true;
    }
    return false;
  }

  #dedicated(operation: Operation, scope: Scope): void {
    const { command, spec } = operation;
    if (spec.name === "watch" || spec.name === "unwatch") {
      this.#carry(operation, scope);
      return;
    }
    if (!this.#reaches(operation, scope)) return;
    const dedicated = this.#dedicatedOf(scope);
    const run = Subscriber.handles(command.name)
      ? dedicated.subscriber.execute(command)
      : dedicated.block(command, {
          db: scope.db,
          readOnly: spec.effects === "none",
          timeoutMs: scope.view.timeoutMs,
          signal: scope.view.signal,
        });
    this.#settleBy(operation, run, [operation], scope);
  }

  #dedicatedOf({ node }: Scope): DedicatedConnections {
    return node === null ? this.host.dedicated : this.host.dedicatedTo(node);
  }

  #reaches(operation: Operation, { node }: Scope): boolean {
    return node === null || this.#toNode.reaches(operation, node);
  }

  /** WATCH, an interactive MULTI, and what follows until EXEC: over the one connection on which it holds. */
  #carry(operation: Operation, scope: Scope): void {
    if (scope.transaction?.wants(operation.name) !== true && !this.#reaches(operation, scope)) return;
    scope.transaction ??= this.#dedicatedOf(scope).transactions();
    const { name } = operation.spec;
    const writes = operation.spec.effects !== "none";
    let written: readonly Operation[] = [];
    if (name === "multi") scope.queued = [];
    else if (name === "exec" || name === "discard") {
      if (name === "exec") written = scope.queued ?? [];
      scope.queued = null;
    } else if (writes && scope.queued !== null) scope.queued.push(operation);
    else if (writes) written = [operation];
    this.#settleBy(operation, scope.transaction.carry(operation.command, scope.db, writes), written, scope);
  }

  /** Writes over other connections are known to the ledger from their answer on: while they wait they write nothing. */
  #settleBy(operation: Operation, run: Promise<unknown>, writes: readonly Operation[], { node }: Scope): void {
    const { engine } = this.host;
    // Those connections end with the client, and know what was sent on them.
    this.#own.remove(operation);
    const known = (): readonly Operation[] => (node === null || node === engine.history?.node ? writes : []);
    run.then(
      (reply) => {
        for (const one of known()) {
          engine.noteIssue(one);
          if (one.ticket) engine.ledger.ackedElsewhere(one.ticket);
        }
        // What it read on a connection of its own has no fence behind it.
        if (operation.session !== null && known().length === 0 && !Subscriber.handles(operation.name))
          engine.noteObserved(operation.session);
        if (operation.view.ack !== null && known().length > 0 && reply !== null) engine.durable(operation, reply);
        else operation.succeed(reply);
      },
      (error: Error) => {
        if (error instanceof UnknownOutcomeError) {
          for (const one of known()) {
            engine.noteIssue(one);
            if (one.ticket) engine.ledger.unknown(one.ticket);
          }
        }
        operation.fail(error);
      },
    );
  }
}
