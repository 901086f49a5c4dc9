import type { Bytes } from "../../protocol/resp/reply.js";
import type { ParsedValue } from "./parse-value.js";

const TITLE_VARIABLES = new Set([
  "title",
  "listen-addr",
  "server-mode",
  "port",
  "tls-port",
  "unixsocket",
  "config-file",
]);

/** The few texts that are not free: what redis-server says against them. */
export function checkText(name: string, text: Bytes): ParsedValue {
  const isPath = /[/\\]/.test(text);
  switch (name) {
    case "dbfilename":
      if (isPath) return { error: "dbfilename can't be a path, just a filename" };
      break;
    case "appendfilename":
    case "appenddirname":
      if (text === "") return { error: `${name} can't be empty` };
      if (isPath)
        return { error: `${name} can't be a path, just a ${name === "appenddirname" ? "dirname" : "filename"}` };
      break;
    case "proc-title-template":
      if (!isTitleTemplate(text)) return { error: "template format is invalid or contains unknown variables" };
      break;
    case "cluster-announce-hostname":
      if (text.length >= 256) return { error: "Hostnames must be less than 256 characters" };
      if (!/^[a-zA-Z0-9.-]*$/.test(text))
        return { error: "Hostnames may only contain alphanumeric characters, hyphens or dots" };
      break;
    default:
  }
  return { value: text };
}

/** `{variable}`s that exist, every brace in its place, and something to show. */
function isTitleTemplate(text: Bytes): boolean {
  let rest = "";
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== "{") {
      rest += text[at];
      continue;
    }
    const end = text.indexOf("}", at);
    if (end < 0 || !TITLE_VARIABLES.has(text.slice(at + 1, end))) return false;
    rest += "x";
    at = end;
  }
  return rest.trim() !== "";
}

/** The process title that a template makes; `value` gives what a variable stands for. */
export function processTitle(template: string, value: (variable: string) => string): string {
  return template.replace(/\{([^}]*)\}/g, (_all, variable: string) => value(variable)).trim();
}
