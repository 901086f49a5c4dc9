import type { Config } from "../config/config.js";
import type { LogEntry } from "./manifest.js";

/** The names that the files of a log have. */
export class LogFileNames {
  constructor(private readonly config: Config) {}

  get manifest(): string {
    return `${this.#stem}.manifest`;
  }

  /** A log of Redis before 7.0. */
  get old(): string {
    return this.#stem;
  }

  /** What is appended to until the first base is written. */
  get temporary(): string {
    return `temp-${this.#stem}.incr`;
  }

  base(seq: number): LogEntry {
    const form = this.config.flag("aof-use-rdb-preamble") ? "rdb" : "aof";
    return { name: `${this.#stem}.${seq}.base.${form}`, seq };
  }

  incremental(seq: number): LogEntry {
    return { name: `${this.#stem}.${seq}.incr.aof`, seq };
  }

  get #stem(): string {
    return this.config.text("appendfilename");
  }
}
