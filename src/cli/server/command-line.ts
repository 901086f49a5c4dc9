import { splitArguments } from "../../protocol/resp/split-arguments.js";
import { quoted } from "../../server/commands/support/quoted.js";

/** What a command line of redis-server says. */
export interface CommandLine {
  /** Path of the config file; null without one. */
  readonly file: string | null;
  /** Settings come from standard input too. */
  readonly fromStdin: boolean;
  /** The options as lines of a config file, to be applied last. */
  readonly options: string;
}

/**
 * The command line of redis-server: an optional config file, `-` for standard input (first or last), and
 * `--directive value…`. A word that begins with `--` is a value where the directive before it has none yet.
 */
export function readCommandLine(args: readonly string[]): CommandLine {
  const [first] = args;
  const file = first !== undefined && !first.startsWith("-") ? first : null;
  const words = (file === null ? args : args.slice(1)).map((word) => Buffer.from(word, "utf8").toString("latin1"));
  let fromStdin = false;
  let options = "";
  let complete = true;
  words.forEach((word, i) => {
    const next = words[i + 1];
    if (word === "-" && ((file === null && i === 0) || next === undefined)) {
      fromStdin = true;
    } else if (complete && word.startsWith("--")) {
      if (options !== "") options += "\n";
      options += `${word.slice(2)} `;
      // `--port 6380` in one word is a whole line by itself.
      if (splitArguments(word)?.length !== 1) return;
      complete = next?.startsWith("--") === true && /^--(save|sentinel)$/i.test(word);
      // `--save` with nothing behind it means none.
      if (word.toLowerCase() === "--save" && (complete || next === undefined)) options += '""';
    } else {
      options += `${quoted(word)} `;
      complete = true;
    }
  });
  return { file, fromStdin, options };
}
