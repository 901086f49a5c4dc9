import { createHash, timingSafeEqual } from "node:crypto";
import type { Bytes } from "../../protocol/resp/reply.js";
import { splitArguments } from "../../protocol/resp/split-arguments.js";
import { describeSelector } from "./describe.js";
import { type RuleResult, ruleErrors } from "./rule-error.js";
import { Selector } from "./selector.js";

/** SHA-256 in hexadecimal: how passwords are kept. */
export function hashPassword(password: Bytes): string {
  return createHash("sha256").update(password, "latin1").digest("hex");
}

/** Someone who may log in, and what they may do. */
export class User {
  enabled = false;
  /** Any password will do; the default user's connections need no AUTH at all. */
  noPassword = false;
  /** `sanitize-payload` and `skip-sanitize-payload`: noted, as RESTORE checks every payload here. */
  sanitize: "skip-sanitize-payload" | "sanitize-payload" | null = null;
  passwords: string[] = [];
  /** The root selector first. */
  selectors: Selector[];
  /** May do everything: the one thing that the way of a command asks. */
  unrestricted = false;
  #described: string | null = null;

  constructor(
    readonly name: Bytes,
    private readonly allChannelsByDefault: () => boolean,
  ) {
    this.selectors = [new Selector(allChannelsByDefault())];
  }

  get root(): Selector {
    return this.selectors[0] as Selector;
  }

  /** Takes over all that `source` is, but its name. */
  become(source: User): void {
    this.enabled = source.enabled;
    this.noPassword = source.noPassword;
    this.sanitize = source.sanitize;
    this.passwords = [...source.passwords];
    this.selectors = source.selectors.map((selector) => selector.copy());
    this.#changed();
  }

  /** Whether someone who knows `password` may be this user. How long it takes tells nothing of the passwords. */
  accepts(password: Bytes): boolean {
    const given = Buffer.from(hashPassword(password));
    let fits = false;
    for (const known of this.passwords) if (timingSafeEqual(given, Buffer.from(known))) fits = true;
    return this.enabled && (this.noPassword || fits);
  }

  /** Applies one rule of ACL SETUSER. */
  apply(rule: Bytes): RuleResult {
    const result = this.#apply(rule);
    this.#changed();
    return result;
  }

  /** The rules that make this user, as ACL LIST shows them. */
  describe(): string {
    this.#described ??= this.#describe();
    return this.#described;
  }

  /** The flags as ACL GETUSER lists them. */
  flags(): string[] {
    const flags = [this.enabled ? "on" : "off"];
    if (this.noPassword) flags.push("nopass");
    if (this.sanitize !== null) flags.push(this.sanitize);
    return flags;
  }

  #apply(rule: Bytes): RuleResult {
    switch (rule.toLowerCase()) {
      case "":
        return null;
      case "on":
      case "off":
        this.enabled = rule.length === 2;
        return null;
      case "skip-sanitize-payload":
        this.sanitize = "skip-sanitize-payload";
        return null;
      case "sanitize-payload":
        this.sanitize = "sanitize-payload";
        return null;
      case "nopass":
      case "resetpass":
        this.noPassword = rule.toLowerCase() === "nopass";
        this.passwords = [];
        return null;
      case "clearselectors":
        this.selectors.length = 1;
        return null;
      case "reset":
        this.enabled = this.noPassword = false;
        this.sanitize = "sanitize-payload";
        this.passwords = [];
        this.selectors = [new Selector(this.allChannelsByDefault())];
        return null;
    }
    const [sign] = rule;
    if (sign === ">" || sign === "#" || sign === "<" || sign === "!") return this.#applyPassword(sign, rule.slice(1));
    if (sign === "(" && rule.endsWith(")")) return this.#addSelector(rule.slice(1, -1));
    return this.root.apply(rule);
  }

  #applyPassword(sign: string, text: Bytes): RuleResult {
    const isHash = sign === "#" || sign === "!";
    if (isHash && !/^[0-9a-f]{64}$/.test(text)) return ruleErrors.badHash;
    const hash = isHash ? text : hashPassword(text);
    const at = this.passwords.indexOf(hash);
    if (sign === ">" || sign === "#") {
      if (at < 0) this.passwords.push(hash);
      this.noPassword = false;
      return null;
    }
    if (at < 0) return ruleErrors.noSuchPassword;
    this.passwords.splice(at, 1);
    return null;
  }

  #addSelector(text: Bytes): RuleResult {
    const selector = new Selector(this.allChannelsByDefault());
    for (const rule of splitArguments(text) ?? []) {
      const refused = selector.apply(rule);
      if (refused !== null) return refused;
    }
    this.selectors.push(selector);
    return null;
  }

  #changed(): void {
    this.#described = null;
    this.unrestricted = this.selectors.some(
      ({ allCommands, allKeys, allChannels }) => allCommands && allKeys && allChannels,
    );
  }

  #describe(): string {
    const parts = [...this.flags(), ...this.passwords.map((hash) => `#${hash}`), describeSelector(this.root)];
    for (const selector of this.selectors.slice(1)) parts.push(`(${describeSelector(selector)})`);
    return parts.join(" ");
  }
}
