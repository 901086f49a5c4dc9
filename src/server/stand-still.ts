import type { TimerHandle } from "../core/clock.js";
import { NO_REPLY, type Reply } from "../protocol/resp/reply.js";
import type { ServerCore } from "./server-core.js";

/** What a suspended command still has to do when its wait is over, and its reply. */
export type Finish = () => Reply;

/** A server that stands still, as a process does that is busy or blocked: nothing that comes in is read, the replication link included. */
export class StandStill {
  /** Milliseconds for which the command that runs makes the server stand still: they count as its own. */
  ownMs = 0;
  /** Blocks the process, where it is the server's own: a transaction can't be set aside. Null: nothing blocks there. */
  blockProcess: ((ms: number) => void) | null = null;
  #holds = 0;
  readonly #timers = new Set<TimerHandle>();

  constructor(private readonly core: ServerCore) {}

  get active(): boolean {
    return this.#holds > 0;
  }

  /** For `ms` milliseconds, which count as the running command's own. */
  sleep(ms: number): void {
    this.ownMs += ms;
    const goOn = this.begin();
    const timer = this.core.clock.setTimer(() => {
      this.#timers.delete(timer);
      goOn();
    }, ms);
    this.#timers.add(timer);
  }

  /** Until what this returns is called; several may ask for it at once. */
  begin(): () => void {
    if (this.#holds++ === 0) this.#hold(true);
    let over = false;
    return () => {
      if (over) return;
      over = true;
      if (--this.#holds === 0) this.#hold(false);
    };
  }

  /**
   * Until `start` has called back, where it does so after it has returned: `leave` then leaves the command that runs, and
   * `takeUp` goes on with it. Else the command was never left, and its reply is what this returns.
   */
  until(start: (done: (finish: Finish) => void) => void, leave: () => void, takeUp: (finish: Finish) => void): Reply {
    let early: Finish | null = null;
    let goOn: (() => void) | null = null;
    start((finish) => {
      if (goOn === null) early = finish;
      else {
        takeUp(finish);
        goOn();
      }
    });
    if (early !== null) return (early as Finish)();
    leave();
    goOn = this.begin();
    return NO_REPLY;
  }

  /** The server is closed: no timer is left. */
  stop(): void {
    for (const timer of this.#timers) this.core.clock.clearTimer(timer);
    this.#timers.clear();
  }

  #hold(on: boolean): void {
    const { core } = this;
    core.replication.standStill(on);
    for (const client of [...core.clients.values()]) {
      client.connection?.holdInput(on);
      // A fault may hold it too.
      if (!on) core.faults?.clientOpened(client);
    }
  }
}
