import type { Config } from "../../server/config/config.js";
import type { ServerCore } from "../../server/server-core.js";
import type { ShutdownRequest } from "../../server/shutdown.js";
import type { ProcessLog } from "./log.js";

/**
 * SIGTERM and SIGINT end the server in good order, a second SIGINT at once; SIGABRT leaves a word in the log.
 * @returns what takes the handlers away again
 */
export function handleSignals(core: ServerCore, config: Config, log: ProcessLog): () => void {
  let interrupted = false;
  const received = (signal: "SIGTERM" | "SIGINT"): void => {
    if (signal === "SIGINT" && interrupted) {
      log.line("warning", "You insist... exiting now.");
      process.exit(1);
    }
    interrupted ||= signal === "SIGINT";
    log.line("warning", `Received ${signal} scheduling shutdown...`);
    core.shutdown?.schedule(asked(config.text(signal === "SIGTERM" ? "shutdown-on-sigterm" : "shutdown-on-sigint")));
  };
  const handlers = {
    SIGTERM: () => received("SIGTERM"),
    SIGINT: () => received("SIGINT"),
    SIGABRT: () => crash(config, log, "SIGABRT"),
  };
  const signals = Object.entries(handlers) as [NodeJS.Signals, () => void][];
  for (const [signal, handler] of signals) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of signals) process.off(signal, handler);
  };
}

/** What shutdown-on-sigterm and shutdown-on-sigint ask for. */
export function asked(directive: string): ShutdownRequest {
  const words = directive.split(" ");
  const save = words.includes("save") ? true : words.includes("nosave") ? false : null;
  return { save, now: words.includes("now"), force: words.includes("force") };
}

/** Ends the process by this signal, with the lines of a crash report that harnesses look for. */
export function crash(config: Config, log: ProcessLog, signal: "SIGSEGV" | "SIGABRT"): void {
  if (config.flag("crash-log-enabled")) {
    log.raw("\n\n=== REDIS BUG REPORT START: Cut & paste starting from here ===");
    log.line("warning", `Redis crashed by signal: ${signal === "SIGSEGV" ? 11 : 6}`);
    log.raw(`\n------ STACK TRACE ------\n${new Error("here").stack ?? ""}\n`);
    log.raw("=== REDIS BUG REPORT END. ===");
  }
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
