import { Ring } from "../../core/ring.js";
import type { ServerCore } from "../server-core.js";

/** What has gone through a server so far. */
export interface Traffic {
  readonly commands: number;
  /** Bytes of clients. */
  readonly input: number;
  readonly output: number;
  /** Bytes of replication links. */
  readonly replicationInput: number;
  readonly replicationOutput: number;
}

interface Sample extends Traffic {
  readonly atMs: number;
}

const SAMPLE_EVERY_MS = 100;
const SAMPLES = 16;

/**
 * Counts traffic and tells its rate over the last moments, as INFO's `instantaneous_` lines do. There is no timer: samples
 * are taken as commands come, and where none come there is nothing to sample.
 */
export class TrafficMeter {
  /** Of connections that are gone. */
  #closed = { input: 0, output: 0, replicationInput: 0, replicationOutput: 0 };
  readonly #samples = new Ring<Sample>(SAMPLES);
  #sampledMs: number;

  constructor(private readonly server: ServerCore) {
    this.#sampledMs = server.clock.now();
    this.#samples.push({ atMs: this.#sampledMs, commands: 0, ...this.#closed });
  }

  /** To be told of the time now and then; cheap. */
  tick(nowMs: number): void {
    if (nowMs - this.#sampledMs < SAMPLE_EVERY_MS) return;
    this.#sampledMs = nowMs;
    this.#samples.push({ atMs: nowMs, ...this.total() });
  }

  /** A connection is gone that has carried so much. */
  closed(input: number, output: number, ofReplication: boolean): void {
    if (ofReplication) {
      this.#closed.replicationInput += input;
      this.#closed.replicationOutput += output;
    } else {
      this.#closed.input += input;
      this.#closed.output += output;
    }
  }

  /** CONFIG RESETSTAT: what open connections have carried counts on. */
  reset(): void {
    const { input, output, replicationInput, replicationOutput } = this.total();
    this.#closed.input -= input;
    this.#closed.output -= output;
    this.#closed.replicationInput -= replicationInput;
    this.#closed.replicationOutput -= replicationOutput;
    this.#samples.clear();
    this.#sampledMs = this.server.clock.now();
    this.#samples.push({ atMs: this.#sampledMs, ...this.total() });
  }

  total(): Traffic {
    let { input, output, replicationInput, replicationOutput } = this.#closed;
    for (const client of this.server.clients.values()) {
      const connection = client.connection ?? client.masterConnection;
      if (connection === null) continue;
      if (client.isReplica || client.isMasterLink) {
        replicationInput += connection.bytesIn;
        replicationOutput += connection.bytesOut;
      } else {
        input += connection.bytesIn;
        output += connection.bytesOut;
      }
    }
    return { commands: this.server.stats.commandsProcessed, input, output, replicationInput, replicationOutput };
  }

  /** Per second, over the last 1.6 s at most. */
  rates(): Traffic {
    const nowMs = this.server.clock.now();
    const now = this.total();
    let from: Sample | undefined;
    for (let i = this.#samples.length - 1; i >= 0; i--) {
      const sample = this.#samples.at(i) as Sample;
      if (from !== undefined && sample.atMs < nowMs - SAMPLES * SAMPLE_EVERY_MS) break;
      from = sample;
    }
    const seconds = Math.max(nowMs - (from?.atMs ?? nowMs), SAMPLE_EVERY_MS) / 1000;
    const rate = (key: keyof Traffic): number => Math.max(0, now[key] - (from?.[key] ?? 0)) / seconds;
    return {
      commands: rate("commands"),
      input: rate("input"),
      output: rate("output"),
      replicationInput: rate("replicationInput"),
      replicationOutput: rate("replicationOutput"),
    };
  }
}
