import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Bytes } from "../../protocol/resp/reply.js";
import { ErrorReply } from "../../protocol/resp/reply.js";
import { clientLine } from "../commands/support/client-line.js";
import type { Client } from "../dispatch/client.js";
import type { Command } from "../dispatch/registry.js";
import type { ServerCore } from "../server-core.js";
import { AclLog, type AclLogEntry } from "./acl-log.js";
import { channelAllowed, type Denial, denialOf } from "./check.js";
import { readAclFile } from "./file.js";
import { ruleErrors } from "./rule-error.js";
import { mergeSelectors } from "./rules.js";
import { hashPassword, User } from "./user.js";

const DEFAULT = "default";
const REFUSALS: Readonly<Record<Denial["reason"], (command: Command) => string>> = {
  command: (command) => `NOPERM this user has no permissions to run the '${command.name}' command`,
  key: () => "NOPERM this user has no permissions to access one of the keys used as arguments",
  channel: () => "NOPERM this user has no permissions to access one of the channels used as arguments",
};
const EXEC_REASONS: Readonly<Record<Denial["reason"], string>> = {
  command: "no permission to execute the command or subcommand",
  key: "no permission to touch the specified keys",
  channel: "no permission to access one of the channels used as argument to the command",
};
const SCRIPT_REASONS: Readonly<Record<Denial["reason"], string>> = {
  command: "can't run this command or subcommand",
  key: "can't access at least one of the keys mentioned in the command arguments",
  channel: "can't publish to the channel mentioned in the command",
};

/** The users of a server: who may log in, what each may do, and what became of those who tried more. */
export class Acl {
  readonly log: AclLog;
  /** Every new connection is this user's. Always the same object, whatever becomes of it. */
  readonly defaultUser: User;
  readonly #users = new Map<Bytes, User>();
  /** A hash to compare with where there is no such user, so that the time taken doesn't tell. */
  readonly #nobody: User;

  /**
   * The users are those of the config's `user` lines or of its aclfile.
   * @throws AclError if they cannot be had as they are written
   */
  constructor(private readonly server: ServerCore) {
    const { config } = server;
    this.log = new AclLog(() => config.number("acllog-max-len"));
    this.#nobody = this.#create("");
    this.#nobody.passwords = [hashPassword("")];
    this.defaultUser = this.#defaultUser();
    this.#users.set(DEFAULT, this.defaultUser);
    if (config.text("requirepass") !== "") this.#setDefaultPassword();
    this.#loadConfigured();
    if (config.text("aclfile") !== "") {
      const wrong = this.load();
      if (wrong !== null) throw new AclError(`Aborting Redis startup because of ACL errors: ${wrong}`);
    }
    config.onChange((names) => {
      if (names.includes("requirepass")) this.#setDefaultPassword();
    });
  }

  /** True if who has not said AUTH may do nothing: the default user has a password, or is off. */
  get authRequired(): boolean {
    return !this.defaultUser.noPassword || !this.defaultUser.enabled;
  }

  /** All users by name, in the order of their names. */
  users(): User[] {
    return [...this.#users.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  find(name: Bytes): User | undefined {
    return this.#users.get(name);
  }

  /** Whether one may do what a client sends; null = yes. A denial is noted. */
  refusal(client: Client, command: Command, args: readonly Bytes[]): ErrorReply | null {
    const denial = denialOf(client.user, command.spec, args);
    if (denial === null) return null;
    this.#note(client, denial, command, args, client.queued === null ? "toplevel" : "multi");
    return new ErrorReply(REFUSALS[denial.reason](command));
  }

  /** The same for a command that EXEC runs: rights may have changed since it was queued. */
  execRefusal(client: Client, command: Command, args: readonly Bytes[]): ErrorReply | null {
    const denial = denialOf(client.user, command.spec, args);
    if (denial === null) return null;
    this.#note(client, denial, command, args, "multi");
    return new ErrorReply(
      "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer " +
        `allowed for the following reason: ${EXEC_REASONS[denial.reason]}`,
    );
  }

  /** The same for a command that a script of this client calls. */
  scriptRefusal(client: Client, command: Command, args: readonly Bytes[]): ErrorReply | null {
    const denial = denialOf(client.user, command.spec, args);
    if (denial === null) return null;
    this.#note(client, denial, command, args, "lua");
    return new ErrorReply(`ERR The user executing the script ${SCRIPT_REASONS[denial.reason]}`);
  }

  /** Logs a client in; false if the credentials don't fit, which is noted. `word` is the command that brought them. */
  authenticate(client: Client, name: Bytes, password: Bytes, word: Bytes): boolean {
    const user = this.#users.get(name);
    if (!(user ?? this.#nobody).accepts(password) || user === undefined) {
      this.#add(client, { reason: "auth", context: client.queued === null ? "toplevel" : "multi", object: word }, name);
      return false;
    }
    client.user = user;
    client.authenticated = true;
    client.decoder.limits.unauthenticated = false;
    return true;
  }

  /** Makes a client what a new connection is: the default user's, let in if that takes no password. */
  reset(client: Client): void {
    client.user = this.defaultUser;
    client.authenticated = !this.authRequired;
    client.decoder.limits.unauthenticated = !client.authenticated;
  }

  /** ACL SETUSER: all rules or none; `anew`: whatever the user was before. @returns what is wrong, in Redis's words */
  setUser(name: Bytes, words: readonly Bytes[], anew = false): string | null {
    const merged = mergeSelectors(words);
    if ("unmatched" in merged) return `Unmatched parenthesis in acl selector starting at '${merged.unmatched}'.`;
    const known = this.#users.get(name);
    const draft = this.#create(name);
    if (known !== undefined && !anew) draft.become(known);
    for (const rule of merged.rules) {
      const refused = draft.apply(rule);
      if (refused !== null) return `Error in ACL SETUSER modifier '${rule}': ${refused}`;
    }
    if (known !== undefined) {
      this.#killUnwelcomeSubscribers(known, draft);
      known.become(draft);
    } else this.#users.set(name, draft);
    return null;
  }

  /** ACL DELUSER for one name, its connections included; false if there is no such user. */
  deleteUser(name: Bytes): boolean {
    const user = this.#users.get(name);
    if (user === undefined || !this.#users.delete(name)) return false;
    this.#killClientsOf(user);
    return true;
  }

  /** ACL LOAD: reads the aclfile; all of it or nothing. @returns what is wrong, in Redis's words */
  load(): string | null {
    const file = this.server.config.text("aclfile");
    let text: string;
    try {
      text = readFileSync(this.#path(file), "latin1");
    } catch (error) {
      return `Error loading ACLs, opening file '${file}': ${systemError(error)}`;
    }
    const read = readAclFile(file, text, (name) => this.#create(name));
    if ("errors" in read) return read.errors;
    this.defaultUser.become(read.users.get(DEFAULT) ?? this.#defaultUser());
    read.users.delete(DEFAULT);
    const old = this.users().filter((user) => user !== this.defaultUser);
    this.#users.clear();
    this.#users.set(DEFAULT, this.defaultUser);
    for (const [name, user] of read.users) this.#users.set(name, user);
    for (const user of old) this.#killClientsOf(user);
    return null;
  }

  /** ACL SAVE: writes the aclfile anew; false if that failed (the log says why). */
  save(): boolean {
    const path = this.#path(this.server.config.text("aclfile"));
    const draft = `${path}.tmp-${process.pid}`;
    try {
      writeFileSync(draft, this.lines().join("\n").concat("\n"), "latin1");
      renameSync(draft, path);
      return true;
    } catch (error) {
      this.server.log("warning", `Writing ACL file for ACL SAVE: ${systemError(error)}`);
      return false;
    }
  }

  /** The users as lines of a config file. */
  lines(): string[] {
    return this.users().map((user) => `user ${user.name} ${user.describe()}`);
  }

  /** Makes the users what `lines()` of this or another server were; who is not among them is deleted. */
  takeUp(lines: readonly string[]): void {
    const kept = new Set<Bytes>();
    for (const line of lines) {
      const [, name, ...rules] = line.split(" ");
      if (name === undefined) continue;
      kept.add(name);
      const refused = this.setUser(name, rules, true);
      if (refused !== null) throw new AclError(refused);
    }
    for (const { name } of this.users()) if (!kept.has(name)) this.deleteUser(name);
  }

  #create(name: Bytes): User {
    return new User(name, () => this.server.config.text("acl-pubsub-default") === "allchannels");
  }

  #defaultUser(): User {
    const user = this.#create(DEFAULT);
    for (const rule of ["+@all", "~*", "&*", "on", "nopass"]) user.apply(rule);
    return user;
  }

  #setDefaultPassword(): void {
    const password = this.server.config.text("requirepass");
    this.defaultUser.apply("resetpass");
    this.defaultUser.apply(password === "" ? "nopass" : `>${password}`);
  }

  #loadConfigured(): void {
    const { config, log } = this.server;
    if (config.users.length > 0 && config.text("aclfile") !== "") {
      throw new AclError(
        "Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is invalid. This setup is very " +
          "likely to lead to configuration errors and security holes, please define either an ACL file or declare users directly in " +
          "your redis.conf, but not both.",
      );
    }
    for (const { name, rules } of config.users) {
      const user = name === DEFAULT ? this.defaultUser : this.#create(name);
      if (name === DEFAULT) user.apply("reset");
      for (const rule of rules) {
        const refused = user.apply(rule);
        if (refused === null) continue;
        const shown = refused === ruleErrors.unknownCommand ? rule : rule.slice(0, 1);
        throw new AclError(`Error loading ACL rule '${shown}' for the user named '${name}': ${refused}`);
      }
      this.#users.set(name, user);
      if (!user.enabled)
        log(
          "notice",
          `The user '${name}' is disabled (there is no 'on' modifier in the user description). Make sure this is not a configuration error.`,
        );
    }
  }

  #killClientsOf(user: User): void {
    for (const client of [...this.server.clients.values()]) {
      if (client.user !== user) continue;
      // Until it is gone it is nobody.
      client.user = this.defaultUser;
      client.authenticated = false;
      this.server.kill(client);
    }
  }

  /** Closes subscribers that listen to what they would no longer be allowed to. */
  #killUnwelcomeSubscribers(old: User, draft: User): void {
    if (draft.selectors.some((selector) => selector.allChannels)) return;
    const allowed = draft.selectors.flatMap((selector) => selector.channels);
    const kept = old.selectors.every(
      (selector) => !selector.allChannels && selector.channels.every((channel) => allowed.includes(channel)),
    );
    if (kept) return;
    for (const client of [...this.server.clients.values()]) {
      if (client.user !== old || !client.isSubscriber) continue;
      const welcome =
        [...client.patterns].every((pattern) => channelAllowed(allowed, pattern, true)) &&
        [...client.channels, ...client.shardChannels].every((channel) => channelAllowed(allowed, channel, false));
      if (!welcome) this.server.kill(client);
    }
  }

  #note(
    client: Client,
    { reason, position }: Denial,
    command: Command,
    args: readonly Bytes[],
    context: AclLogEntry["context"],
  ): void {
    const object = reason === "command" ? command.name : (args[position] as Bytes);
    this.#add(client, { reason, context, object }, client.user.name);
  }

  #add(client: Client, what: Pick<AclLogEntry, "reason" | "context" | "object">, username: Bytes): void {
    const atMs = this.server.keyspace.nowMs;
    this.log.add({ ...what, username, atMs, clientInfo: clientLine(this.server, client) });
  }

  #path(file: string): string {
    return resolve(this.server.config.text("dir"), file);
  }
}

/** The users of the config or the aclfile cannot be had: the server doesn't start. */
export class AclError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "AclError";
  }
}

function systemError(error: unknown): string {
  return (error as NodeJS.ErrnoException).code === "ENOENT" ? "No such file or directory" : (error as Error).message;
}
