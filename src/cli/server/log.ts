import { appendFileSync } from "node:fs";
import type { Config } from "../../server/config/config.js";
import type { LogLevel } from "../../server/server-core-options.js";
import { LEVELS, logLine } from "./log-line.js";

/** The log of a server process: standard output or the file that `logfile` names, from `loglevel` on. */
export class ProcessLog {
  /** The letter behind the process id: C while settings are read, then the role. */
  role: () => "C" | "M" | "S" = () => "C";

  constructor(private readonly config: Config) {
    // Whoever read the output may be gone; the server goes on.
    if (process.stdout.listenerCount("error") === 0) process.stdout.on("error", () => {});
  }

  readonly line = (level: LogLevel, text: string): void => {
    const wanted = LEVELS[this.config.text("loglevel") as LogLevel][1];
    if (LEVELS[level][1] >= wanted) this.raw(logLine(process.pid, this.role(), new Date(), level, text));
  };

  /** A line without a heading. */
  raw(line: string): void {
    const file = this.config.text("logfile");
    if (file === "") {
      process.stdout.write(`${line}\n`, "latin1");
      return;
    }
    try {
      // Opened for each line: log rotation may move it at any time.
      appendFileSync(file, `${line}\n`, "latin1");
    } catch {
      // A disk that is full must not end the server.
    }
  }
}
