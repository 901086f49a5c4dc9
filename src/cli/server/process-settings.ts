import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { processTitle } from "../../server/config/check-text.js";
import type { Config } from "../../server/config/config.js";
import { systemText } from "../../server/system-text.js";

const OOM_FILE = "/proc/self/oom_score_adj";
const MAX_SCORE = 1000;

/**
 * Lets the directives that concern the process itself take effect: `dir`, the title, the OOM score.
 * Returns what is to be called when the role has changed.
 */
export function applyProcessSettings(
  config: Config,
  isReplica: () => boolean,
  warn: (text: string) => void,
): () => void {
  config.setApplier(["dir"], () => {
    try {
      process.chdir(config.text("dir"));
      config.load("dir", process.cwd());
      return null;
    } catch (error) {
      return systemText(error);
    }
  });
  config.setApplier(["proc-title-template"], () => {
    setTitle(config);
    return null;
  });
  const score = oomScore(config, isReplica, warn);
  config.setApplier(["oom-score-adj", "oom-score-adj-values"], score);
  setTitle(config);
  score();
  return score;
}

function setTitle(config: Config): void {
  if (!config.flag("set-proc-title")) return;
  const [address = ""] = config.text("bind").split(" ");
  const values: Readonly<Record<string, string>> = {
    title: basename(process.argv[1] ?? "ioreplica-server"),
    "listen-addr":
      config.number("port") === 0 ? `unixsocket:${config.text("unixsocket")}` : `${address}:${config.number("port")}`,
    "server-mode": "",
    port: String(config.number("port")),
    "tls-port": String(config.number("tls-port")),
    unixsocket: config.text("unixsocket"),
    "config-file": config.file ?? "",
  };
  process.title = processTitle(config.text("proc-title-template"), (variable) => values[variable] ?? "");
}

/** Writes what oom-score-adj and its values ask for; what the process began with comes back with `no`. */
function oomScore(config: Config, isReplica: () => boolean, warn: (text: string) => void): () => string | null {
  let initial: number | null = null;
  let changed = false;
  return () => {
    const mode = config.text("oom-score-adj");
    if (process.platform !== "linux" || (mode === "no" && !changed)) return null;
    try {
      initial ??= Number(readFileSync(OOM_FILE, "latin1"));
      const value = Number(config.text("oom-score-adj-values").split(" ")[isReplica() ? 1 : 0]);
      const wanted = mode === "no" ? initial : mode === "absolute" ? value : initial + value;
      writeFileSync(OOM_FILE, String(Math.min(MAX_SCORE, Math.max(-MAX_SCORE, wanted))));
      changed = mode !== "no";
      // Who sets it from outside meanwhile gets that back another time.
      if (!changed) initial = null;
      return null;
    } catch (error) {
      warn(`Unable to write oom_score_adj: ${systemText(error)}`);
      return "Failed to set current oom_score_adj. Check server logs.";
    }
  };
}
