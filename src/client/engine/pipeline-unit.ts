import type { IssuedCommand } from "../connection/lean-command.js";

/** Commands of one pipeline, as ioredis hands them over one by one, in one go. */
export interface PipelineUnit {
  readonly stream: object;
  readonly commands: IssuedCommand[];
}

/**
 * ioredis sends a pipeline command by command, all in one synchronous loop and all with the same `stream`. This
 * collects them until something else is sent or the loop is over, so that a pipeline is routed as one.
 */
export class PipelineCollector {
  #unit: PipelineUnit | null = null;

  constructor(private readonly run: (commands: readonly IssuedCommand[]) => void) {}

  add(command: IssuedCommand, stream: object): void {
    if (this.#unit !== null && this.#unit.stream !== stream) this.flush();
    if (this.#unit === null) {
      this.#unit = { stream, commands: [] };
      queueMicrotask(() => this.flush());
    }
    this.#unit.commands.push(command);
  }

  /** Sends what was collected; to be called before any command that is issued later. */
  flush(): void {
    const unit = this.#unit;
    if (unit === null) return;
    this.#unit = null;
    this.run(unit.commands);
  }
}
