import { parseReplicationInfo, parseServerInfo } from "../../protocol/info.js";
import type { Target } from "../connection/address.js";
import type { NodeConnection } from "../connection/node-connection.js";
import { describeSocketError } from "../connection/socket-error.js";
import { UnsupportedServerError } from "../errors.js";
import type { ProbeResult } from "../topology/monitor.js";
import type { PollFailure } from "../topology/state.js";
import { type Connections, NOBODY } from "./connections.js";

/**
 * Over which connection a node is asked: the probe's `own` one; a `fresh` one, since the name may lead elsewhere by now; or
 * the data connection, where the address leads to several servers and only what it says is said of the right one.
 */
export type ProbeWay = "own" | "fresh" | NodeConnection;

/**
 * Asks one node how it is, over a connection of its own, so that the answer does not wait behind commands. The
 * connection is opened anew whenever it is gone: that a new connection fails too is what "gone" means.
 */
export class Probe {
  #connection: NodeConnection | null = null;
  /** Highest so far: results of another way come in the order of asking as well. */
  #generation = 0;
  #stopped = false;

  constructor(
    private readonly target: Target,
    private readonly connections: Connections,
  ) {}

  /** Never rejects. `signal` aborts when the time is up: the socket is then destroyed. */
  async ask(signal: AbortSignal, way: ProbeWay = "own"): Promise<ProbeResult> {
    if (way !== "own") this.#connection?.destroy("another connection is asked");
    const known = typeof way === "object" ? way : way === "own" ? this.#connection : null;
    const open = known?.state === "open" ? known : null;
    let connection = open;
    let abort: (() => void) | null = null;
    try {
      connection ??= await this.connections.create(this.target, NOBODY);
      const asked = connection;
      abort = () => asked.destroy("no answer in time");
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted || this.#stopped) asked.destroy("no answer in time");
      if (!open) {
        await asked.open({ node: this.target.node, commands: false, kill: null });
        this.#connection = asked;
      }
      const [replication, persistence] = await Promise.all([
        question(asked, ["INFO", "replication"]),
        question(asked, ["INFO", "persistence"]),
      ]);
      return {
        ok: true,
        generation: this.#newest(asked),
        info: parseReplicationInfo(replication),
        runId: asked.identity?.runId ?? null,
        loading: parseServerInfo(persistence).loading,
      };
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      const kind = failureKind(failure, signal.aborted, open !== null);
      // BUSY is an answer like any other: the connection is in step and stays.
      if (kind !== "busy") connection?.destroy(failure.message);
      return {
        ok: false,
        generation: this.#newest(connection),
        kind,
        reason: signal.aborted ? "no answer in time" : describeSocketError(failure),
      };
    } finally {
      if (abort) signal.removeEventListener("abort", abort);
    }
  }

  #newest(connection: NodeConnection | null): number {
    this.#generation = Math.max(this.#generation, connection?.generation ?? 0);
    return this.#generation;
  }

  stop(): void {
    this.#stopped = true;
    this.#connection?.destroy("the client is closed");
  }
}

function question(connection: NodeConnection, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    connection.internal(words, (reply, error) => {
      if (error) reject(error);
      else resolve(String(reply as Buffer));
    });
  });
}

function failureKind(error: Error, timedOut: boolean, wasOpen: boolean): PollFailure {
  if (error instanceof UnsupportedServerError) return "unsupported";
  const text = error.message;
  if (text.startsWith("BUSY ")) return "busy";
  if (/^(NOAUTH|WRONGPASS|NOPERM)\b|^ERR (invalid password|Client sent AUTH)/.test(text)) return "auth";
  if (timedOut) return wasOpen ? "timeout" : "connect";
  if (error.name === "NotInfoError") return "protocol";
  return wasOpen ? "closed" : "connect";
}
