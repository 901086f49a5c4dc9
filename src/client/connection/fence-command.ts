import type { SocketBatch } from "./socket-batch.js";
import { encodeWords, WireCommand } from "./wire-command.js";

export const FENCE = encodeWords("INFO", "replication");
const FENCE_BYTES = Buffer.from(FENCE);

/** `INFO replication` behind the commands of its flush. */
export class FenceCommand<F> extends WireCommand {
  readonly name = "info";
  override wantsText = true;

  constructor(
    private readonly flush: F,
    private readonly settle: (flush: F, reply: unknown, error: Error | null) => void,
  ) {
    super();
  }

  setReplyContext(): void {}

  writeTo(batch: SocketBatch): void {
    this.size = batch.append(FENCE_BYTES);
  }

  resolve(reply: unknown): void {
    this.settle(this.flush, reply, null);
  }

  reject(error: Error): void {
    this.settle(this.flush, null, error);
  }
}
