/** Kinds of refusal that decide what becomes of a command; any other error reply is the command's own result. */
export type RefusalKind =
  | "readonly"
  | "loading"
  | "masterdown"
  | "noreplicas"
  | "tryagain"
  | "busy"
  | "misconf"
  | "oom"
  | "execabort"
  | "noscript"
  | "unblocked"
  | "maxclients"
  | "noauth"
  | "wrongpass"
  | "noperm";

/** What an error reply proves, and what to do about it. */
export interface Refusal {
  readonly kind: RefusalKind;
  /** Of an EXECABORT that names its reason: that reason's kind. */
  readonly inner?: RefusalKind;
  /** Where Valkey says that the master is (`-REDIRECT host:port`): somebody's word, to be verified. */
  readonly redirect?: { readonly host: string; readonly port: number };
  /** The command changed nothing: the server itself refused it before it ran. */
  readonly provablyNotApplied: boolean;
  /** Proven, and likely to go away: the same command may be sent again, here or on another node. */
  readonly retry: boolean;
  /** The node may have stopped being what it was thought to be: look at it now. */
  readonly smellsOfFailover: boolean;
}

interface Rule {
  readonly kind: RefusalKind;
  /** The server's own text after the first word, whole. Forks of Redis put their own name where `%` stands. */
  readonly text: readonly string[] | "any";
  readonly retry: boolean;
  readonly smells: boolean;
}

/**
 * The texts are the servers' (Redis 6.2 to 8, Valkey): an error of a module or a script that merely starts with
 * the same word is none of these. Those about permission name users and commands and can't be listed; they are
 * never retried, so little hangs on them.
 */
const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["READONLY", { kind: "readonly", text: ["You can't write against a read only replica."], retry: true, smells: true }],
  ["LOADING", { kind: "loading", text: ["% is loading the dataset in memory"], retry: true, smells: true }],
  [
    "MASTERDOWN",
    {
      kind: "masterdown",
      text: ["Link with MASTER is down and replica-serve-stale-data is set to 'no'."],
      retry: true,
      smells: true,
    },
  ],
  ["NOREPLICAS", { kind: "noreplicas", text: ["Not enough good replicas to write."], retry: true, smells: true }],
  [
    "TRYAGAIN",
    { kind: "tryagain", text: ["Multiple keys request during rehashing of slot"], retry: true, smells: false },
  ],
  [
    "BUSY",
    {
      kind: "busy",
      text: [
        "% is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        "% is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
        "% is busy running a module command.",
      ],
      retry: true,
      smells: false,
    },
  ],
  [
    "MISCONF",
    {
      kind: "misconf",
      text: [
        "% is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the % logs for details about the RDB error.",
        "% is configured to save RDB snapshots, but it is currently not able to persist on disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the % logs for details about the RDB error.",
        "Errors writing to the AOF file: *",
      ],
      retry: false,
      smells: false,
    },
  ],
  ["OOM", { kind: "oom", text: ["command not allowed when used memory > 'maxmemory'."], retry: false, smells: false }],
  [
    "NOSCRIPT",
    {
      kind: "noscript",
      text: ["No matching script. Please use EVAL.", "No matching script."],
      retry: false,
      smells: false,
    },
  ],
  [
    "UNBLOCKED",
    {
      kind: "unblocked",
      text: ["force unblock from blocking operation, instance state changed (master -> replica?)"],
      retry: true,
      smells: true,
    },
  ],
  ["NOAUTH", { kind: "noauth", text: "any", retry: false, smells: false }],
  ["WRONGPASS", { kind: "wrongpass", text: "any", retry: false, smells: false }],
  ["NOPERM", { kind: "noperm", text: "any", retry: false, smells: false }],
]);

/** What can run a script that writes; its errors may be the script's own words. */
const WRITING_SCRIPTS = new Set(["eval", "evalsha", "fcall"]);
/** What runs scripts that can't write: whatever they say, nothing was changed. */
const READING_SCRIPTS = new Set(["eval_ro", "evalsha_ro", "fcall_ro"]);

/** What Redis 7 adds to an error that a command inside a script met. */
const SCRIPT_SUFFIX = / script: [^\s,]{1,512}, on @user_(?:script|function):\d{1,9}\.$/;
const WAIT_ON_REPLICA = "ERR WAIT cannot be used with replica instances.";
const WAITAOF_ON_REPLICA = "ERR WAITAOF cannot be used with replica instances.";
const REDIRECT = "REDIRECT ";
const EXECABORT_BECAUSE = "EXECABORT Transaction discarded because of: ";

/**
 * Tells a server's refusal from a command's own error.
 *
 * The whole first word and the server's own text decide, so BUSYGROUP and BUSYKEY are not BUSY. An error that a
 * script could have composed proves nothing: `redis.error_reply('READONLY …')` after a write looks just the same. Only
 * READONLY with the server's suffix does: the suffix stands behind what a command inside the script threw, and on a
 * server where one write is refused so were all before it; and NOREPLICAS in the same way, where `wholeScripts` says that
 * a server lets a script which has written go on (docs/decisions/0012).
 *
 * @param text the error reply, without its leading `-`
 * @param commandName name of the command it answers, in any letter case
 * @param inTransaction whether it is an element of EXEC's reply
 * @param wholeScripts of the server that answered: see {@link keepsScriptsWhole}
 * @returns null if it is no refusal
 */
export function classifyRefusal(
  text: string,
  commandName: string,
  inTransaction = false,
  wholeScripts = false,
): Refusal | null {
  const command = commandName.toLowerCase();
  const scripted = WRITING_SCRIPTS.has(command) || inTransaction;
  const plain = scripted || READING_SCRIPTS.has(command) ? text.replace(SCRIPT_SUFFIX, "") : text;
  const redirect = redirectOf(plain);
  if (redirect !== null) {
    return { kind: "readonly", redirect, provablyNotApplied: !scripted, retry: !scripted, smellsOfFailover: true };
  }
  const rule = ruleOf(plain, command);
  if (rule) {
    const thrown = !inTransaction && plain !== text;
    const proven = !scripted || (thrown && (rule.kind === "readonly" || (rule.kind === "noreplicas" && wholeScripts)));
    return {
      kind: rule.kind,
      provablyNotApplied: proven,
      retry: rule.retry && proven,
      smellsOfFailover: rule.smells,
    };
  }
  return command === "exec" && !inTransaction ? abortedTransaction(text) : null;
}

/**
 * Classifies the refusals of a connection's commands and remembers the last one: when a server gives up its office it
 * refuses hundreds of commands with one text, all at once, and at the worst of times.
 */
export class RefusalClassifier {
  #text = "";
  #name = "";
  #last: Refusal | null = null;

  /** As {@link classifyRefusal}, of a reply outside of a transaction. */
  classify(text: string, commandName: string, wholeScripts: boolean | undefined): Refusal | null {
    if (text !== this.#text || commandName !== this.#name) {
      this.#last = classifyRefusal(text, commandName, false, wholeScripts);
      this.#text = text;
      this.#name = commandName;
    }
    return this.#last;
  }
}

/**
 * Whether a server of this version refuses no write of a script for want of replicas once that script has written: since
 * Redis 7.0.3, and in every Valkey.
 *
 * @param version as INFO tells it; null where it doesn't
 */
export function keepsScriptsWhole(version: string | null): boolean {
  const [major = 0, minor = 0, patch = 0] =
    /^(\d+)\.(\d+)\.(\d+)/
      .exec(version ?? "")
      ?.slice(1)
      .map(Number) ?? [];
  return major > 7 || (major === 7 && (minor > 0 || patch >= 3));
}

/** The address of a Valkey that sends its clients to the master, as it does with those that said `CLIENT CAPA redirect`. */
function redirectOf(text: string): NonNullable<Refusal["redirect"]> | null {
  if (!text.startsWith(REDIRECT)) return null;
  const colon = text.lastIndexOf(":");
  const host = text.slice(REDIRECT.length, colon);
  const digits = text.slice(colon + 1);
  const port = Number(digits);
  if (host === "" || host.includes(" ") || !/^\d{1,5}$/.test(digits) || port < 1 || port > 65_535) return null;
  return { host, port };
}

function abortedTransaction(text: string): Refusal | null {
  if (text === "EXECABORT Transaction discarded because of previous errors.") {
    // Why is told by the replies to the queued commands; whether to repeat it follows from them.
    return { kind: "execabort", provablyNotApplied: true, retry: false, smellsOfFailover: false };
  }
  if (!text.startsWith(EXECABORT_BECAUSE)) return null;
  const inner = ruleOf(text.slice(EXECABORT_BECAUSE.length), "exec");
  if (!inner) return { kind: "execabort", provablyNotApplied: true, retry: false, smellsOfFailover: false };
  return {
    kind: "execabort",
    inner: inner.kind,
    provablyNotApplied: true,
    retry: inner.retry,
    smellsOfFailover: inner.smells,
  };
}

function ruleOf(text: string, command: string): Rule | null {
  if (text === "ERR max number of clients reached") {
    return { kind: "maxclients", text: "any", retry: true, smells: false };
  }
  if (command.startsWith("wait") && (text.startsWith(WAIT_ON_REPLICA) || text.startsWith(WAITAOF_ON_REPLICA))) {
    return RULES.get("READONLY") ?? null;
  }
  const space = text.indexOf(" ");
  const rule = RULES.get(space === -1 ? text : text.slice(0, space));
  if (!rule) return null;
  if (rule.text === "any") return rule;
  const rest = text.slice(space + 1);
  return rule.text.some((own) => isOwnText(own, rest)) ? rule : null;
}

/** Compares piece by piece: `%` stands for one word, a `*` at the end for the rest of the line. */
function isOwnText(own: string, text: string): boolean {
  if (own.endsWith("*")) return text.startsWith(own.slice(0, -1));
  if (!own.includes("%")) return own === text;
  const name = /^[A-Za-z]+/.exec(text)?.[0];
  return name !== undefined && own.replaceAll("%", name) === text;
}
