import type { LogLevel } from "../../server/server-core-options.js";

/** The sign of each level in a log line, and its rank for `loglevel`. */
export const LEVELS: Readonly<Record<LogLevel, readonly [sign: string, rank: number]>> = {
  debug: [".", 0],
  verbose: ["-", 1],
  notice: ["*", 2],
  warning: ["#", 3],
};

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A line as redis-server writes it: `1234:M 20 Nov 2026 10:00:00.000 * text`, in local time. `role` is `M`, `S` or `C`. */
export function logLine(pid: number, role: string, time: Date, level: LogLevel, text: string): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const date = `${two(time.getDate())} ${MONTHS[time.getMonth()]} ${time.getFullYear()}`;
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  const ms = String(time.getMilliseconds()).padStart(3, "0");
  return `${pid}:${role} ${date} ${clock}.${ms} ${LEVELS[level][0]} ${text}`;
}
