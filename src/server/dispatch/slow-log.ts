import { Ring } from "../../core/ring.js";
import type { Bytes } from "../../protocol/resp/reply.js";
import type { ServerCore } from "../server-core.js";
import type { Client } from "./client.js";
import { redacted } from "./redact.js";
import type { Command } from "./registry.js";

/** One slow command. */
export interface SlowEntry {
  readonly id: number;
  /** Seconds since 1970. */
  readonly atS: number;
  readonly micros: number;
  readonly args: readonly Bytes[];
  readonly address: string;
  readonly clientName: Bytes;
}

const MAX_ARGS = 32;
const MAX_ARG_LENGTH = 128;

/** SLOWLOG: the last commands that took longer than slowlog-log-slower-than. */
export class SlowLog {
  #entries: Ring<SlowEntry> | null;
  #nextId = 0;
  #thresholdMicros = 0;

  constructor(private readonly server: ServerCore) {
    this.#entries = null;
    this.#configure();
    server.config.onChange(() => this.#configure());
  }

  get length(): number {
    return this.#entries?.length ?? 0;
  }

  /** Notes a command if it was slow. */
  note(client: Client, command: Command, args: readonly Bytes[], micros: number): void {
    if (this.#thresholdMicros < 0 || micros < this.#thresholdMicros) return;
    // Its commands are noted.
    if (command.name === "exec") return;
    const address = client.connection === null ? "" : addressOf(client.connection.endpoints.peer);
    this.#entries?.push({
      id: this.#nextId++,
      atS: Math.floor(this.server.keyspace.nowMs / 1000),
      micros: Math.round(micros),
      args: shorten(redacted(command, args)),
      address,
      clientName: client.name,
    });
  }

  /** The newest `count` entries, newest first. */
  newest(count: number): SlowEntry[] {
    const found: SlowEntry[] = [];
    for (let i = this.length - 1; i >= 0 && found.length < count; i--) found.push(this.#entries?.at(i) as SlowEntry);
    return found;
  }

  reset(): void {
    this.#entries?.clear();
  }

  #configure(): void {
    this.#thresholdMicros = this.server.config.number("slowlog-log-slower-than");
    const capacity = this.server.config.number("slowlog-max-len");
    if (capacity === (this.#entries?.capacity ?? 0)) return;
    const kept = this.newest(capacity).reverse();
    this.#entries = capacity === 0 ? null : new Ring(capacity);
    for (const entry of kept) this.#entries?.push(entry);
  }
}

const addressOf = (peer: { readonly host: string; readonly port: number }): string => `${peer.host}:${peer.port}`;

/** At most 32 arguments of 128 bytes: the log must not keep what made the command slow. */
function shorten(args: readonly Bytes[]): Bytes[] {
  const kept = args.length > MAX_ARGS ? args.slice(0, MAX_ARGS - 1) : args;
  const short = kept.map((arg) =>
    arg.length > MAX_ARG_LENGTH
      ? `${arg.slice(0, MAX_ARG_LENGTH)}... (${arg.length - MAX_ARG_LENGTH} more bytes)`
      : arg,
  );
  if (kept.length < args.length) short.push(`... (${args.length - kept.length} more arguments)`);
  return short;
}
