import type { Random } from "../../core/random.js";
import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import type { Database } from "../keyspace/database.js";
import type { ServerCore } from "../server-core.js";
import type { Client } from "./client.js";
import type { BlockRequest, CommandContext } from "./context.js";

/** The context of one client; the effects it reports are those of the command that runs now. */
export class ClientContext implements CommandContext {
  readonly random: Random;

  constructor(
    readonly server: ServerCore,
    readonly client: Client,
  ) {
    this.random = server.random;
  }

  get db(): Database {
    return this.client.db;
  }

  get nowMs(): number {
    return this.server.keyspace.nowMs;
  }

  get resp(): 2 | 3 {
    return this.client.resp;
  }

  changed(key: Bytes | null, count = 1): void {
    if (key !== null) {
      this.client.db.touch(key);
      this.server.ownExpiry?.changed(this.client, this.client.db, key);
    }
    this.server.effects.changed(count);
  }

  changedIn(db: Database, key: Bytes): void {
    db.touch(key);
    this.server.ownExpiry?.changed(this.client, db, key);
    this.server.effects.changed(1);
  }

  rewrite(...argv: Bytes[]): void {
    this.server.effects.rewrite(argv);
  }

  alsoPropagate(...argv: Bytes[]): void {
    this.server.propagate(this.client, this.client.db.index, argv);
  }

  preventPropagation(): void {
    this.server.effects.prevent();
  }

  forcePropagation(): void {
    this.server.effects.force();
  }

  notify(eventClass: string, event: string, key: Bytes, db: Database = this.client.db): void {
    this.server.notify(eventClass, event, key, db.index);
  }

  block(request: BlockRequest): Reply {
    if (this.server.inExec || this.client.connection === null) return (request.deniedReply ?? request.timeoutReply)();
    return this.server.blocking.park(this.client, request);
  }

  suspend(start: (done: (finish: () => Reply) => void) => void, denied: Reply): Reply {
    if (this.client.isScript) return this.server.scripting.suspend(start, denied);
    return this.client.connection === null ? denied : this.server.suspend(this.client, start);
  }
}
