import type { Bytes } from "../../protocol/resp/reply.js";
import type { ReplicationHooks } from "./hooks.js";

/** Targets of propagation, a sum: 1 the AOF, 2 the replicas. */
export const TO_AOF = 1;
export const TO_REPLICAS = 2;
const EVERYWHERE = TO_AOF | TO_REPLICAS;

/**
 * What the running command changes, and what of it goes into the replication stream. One command at a time: `begin`,
 * the handler, `end`; then, when the outermost unit (a command, an EXEC, a served waiter) is over, `flush`.
 */
export class Effects {
  /** Changes since the last save. */
  totalDirty = 0;
  #dirty = 0;
  #rewritten: readonly Bytes[] | null = null;
  #prevented = false;
  #forced = false;
  #unwrapped = false;
  #dbs: number[] = [];
  #commands: (readonly Bytes[])[] = [];
  /** A script was set aside in the midst of a unit: what it has changed so far waits for the rest. */
  held = false;
  /** Where what is queued goes; a script may narrow it by `redis.set_repl`. */
  targets: number = EVERYWHERE;
  /** Commands that don't go everywhere, by their place in the queue. */
  #narrowed: Map<number, number> | null = null;

  begin(): void {
    this.#unwrapped = false;
    this.#dirty = 0;
    this.#rewritten = null;
    this.#prevented = false;
    this.#forced = false;
  }

  /** The command is done: queues it for the stream if it changed something. */
  end(db: number, args: readonly Bytes[], feeding: boolean): void {
    if (this.#dirty === 0 && !this.#forced) return;
    this.totalDirty += this.#dirty;
    if (feeding && !this.#prevented) this.add(db, this.#rewritten ?? args);
  }

  changed(count: number): void {
    this.#dirty += count;
  }

  rewrite(argv: readonly Bytes[]): void {
    this.#rewritten = argv;
  }

  prevent(): void {
    this.#prevented = true;
  }

  force(): void {
    this.#forced = true;
  }

  /** Queues a command for the stream. */
  add(db: number, argv: readonly Bytes[]): void {
    if (this.targets !== EVERYWHERE) {
      if (this.targets === 0) return;
      this.#narrowed ??= new Map();
      this.#narrowed.set(this.#commands.length, this.targets);
    }
    this.#dbs.push(db);
    this.#commands.push(argv);
  }

  get pending(): boolean {
    return this.#commands.length > 0 && !this.held;
  }

  /** The command touches keys at random: what it found expired needs no MULTI/EXEC around it. */
  unwrap(): void {
    this.#unwrapped = true;
  }

  /** Hands over what is queued: one command bare, several in MULTI/EXEC unless `bare`. */
  flush(replication: ReplicationHooks, bare: boolean): void {
    const dbs = this.#dbs;
    const commands = this.#commands;
    this.#dbs = [];
    this.#commands = [];
    const narrowed = this.#narrowed;
    this.#narrowed = null;
    const wrap = commands.length > 1 && !bare && !this.#unwrapped;
    if (wrap) replication.feed(dbs[0] as number, MULTI);
    for (let i = 0; i < commands.length; i++) {
      const targets = narrowed === null ? EVERYWHERE : (narrowed.get(i) ?? EVERYWHERE);
      replication.feed(dbs[i] as number, commands[i] as readonly Bytes[], targets);
    }
    if (wrap) replication.feed(-1, EXEC);
  }
}

const MULTI: readonly Bytes[] = ["MULTI"];
const EXEC: readonly Bytes[] = ["EXEC"];
