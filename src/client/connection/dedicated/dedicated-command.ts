import { deferred } from "../../../core/deferred.js";
import { decorateReplyError } from "../../errors/reply-error.js";
import { CarriedCommand, type NodeConnection } from "../node-connection.js";
import type { SocketBatch } from "../socket-batch.js";
import type { ReplyContext } from "../wire-command.js";
import type { UserCommand } from "./host.js";

/** The connection ended before the reply came. */
export class LostReply extends Error {
  /** @param sent whether the command had been handed to the socket */
  constructor(
    readonly sent: boolean,
    readonly reason: string,
  ) {
    super(`the connection was lost: ${reason}`);
  }
}

/** A user's command on its way over one dedicated connection, once. */
export class DedicatedCommand extends CarriedCommand {
  readonly name: string;
  readonly #settled = deferred<unknown>();

  constructor(
    private readonly command: UserCommand,
    readonly db: number,
  ) {
    super();
    this.name = command.name;
    this.wantsText = command.wantsText === true;
  }

  /** Sends it. Rejects with the server's error reply, or with {@link LostReply}. */
  sendOn(connection: NodeConnection): Promise<unknown> {
    if (connection.state !== "open") return Promise.reject(new LostReply(false, connection.reason));
    connection.send(this);
    return this.#settled.promise;
  }

  setReplyContext(context: ReplyContext): void {
    this.command.setReplyContext(context);
  }

  writeTo(batch: SocketBatch, socket: object): void {
    const { command } = this;
    this.size = command.writeTo === undefined ? batch.append(command.toWritable(socket)) : command.writeTo(batch);
  }

  resolve(reply: unknown): void {
    this.connection?.answered(this);
    this.#settled.resolve(reply);
  }

  reject(error: Error): void {
    const { connection } = this;
    connection?.answered(this);
    if (error.name === "ReplyError") {
      this.#settled.reject(decorateReplyError(error, { node: connection?.node, command: this.name }));
    } else {
      const reason = connection?.reason || error.message;
      this.#settled.reject(new LostReply(connection?.wasSent(this) ?? false, reason));
    }
  }
}
