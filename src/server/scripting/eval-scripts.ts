import type { Bytes } from "../../protocol/resp/reply.js";
import { ErrorReply } from "../../protocol/resp/reply.js";
import type { ServerCore } from "../server-core.js";
import { openEnvironment } from "./environments.js";
import { readShebang } from "./flags.js";
import type { LuaEnvironment } from "./lua/environment.js";
import { sha1Hex } from "./redis-table.js";

/** A script that EVAL or SCRIPT LOAD has brought. */
export interface Script {
  readonly sha: string;
  readonly body: Bytes;
  /** `ScriptFlag`s. */
  readonly flags: number;
  /** The compiled function in the environment. */
  readonly ref: number;
}

/** The scripts of EVAL by their SHA-1, and the Lua state that they run in. */
export class EvalScripts {
  readonly #scripts = new Map<string, Script>();
  #environment: LuaEnvironment | null = null;

  constructor(private readonly server: ServerCore) {}

  /** Made by the first script. */
  get environment(): LuaEnvironment {
    if (this.#environment?.broken) this.flush();
    this.#environment ??= openEnvironment(this.server, "eval");
    return this.#environment;
  }

  get size(): number {
    return this.#scripts.size;
  }

  /** Bytes of Lua's memory; 0 while there is no state. */
  get memoryBytes(): number {
    return this.#environment?.memoryBytes ?? 0;
  }

  /** Bytes of the bodies that are kept. */
  get cachedBytes(): number {
    let bytes = 0;
    for (const { body } of this.#scripts.values()) bytes += body.length + 40;
    return bytes;
  }

  /** A script by its SHA-1 in any letter case. */
  find(sha: Bytes): Script | undefined {
    if (this.#environment?.broken) this.flush();
    return this.#scripts.get(sha) ?? this.#scripts.get(sha.toLowerCase());
  }

  /** The flags of a script or, with `isSha`, of the script that this SHA-1 names; undefined if it can't be told. */
  flagsOf(script: Bytes, isSha: boolean): number | undefined {
    if (isSha) return this.find(script)?.flags;
    const head = readShebang(script);
    return typeof head === "string" ? undefined : head.flags;
  }

  /** The script with this body, compiled now if it is new; or why it can't be. */
  load(body: Bytes): Script | ErrorReply {
    const { environment } = this;
    const sha = sha1Hex(body);
    const known = this.#scripts.get(sha);
    if (known !== undefined) return known;
    const head = readShebang(body);
    if (typeof head === "string") return new ErrorReply(head);
    const compiled = environment.compile(head.code, "@user_script");
    if ("error" in compiled) return new ErrorReply(`ERR Error compiling script (new function): ${compiled.error}`);
    const script: Script = { sha, body, flags: head.flags, ref: compiled.ref };
    this.#scripts.set(sha, script);
    return script;
  }

  /** SCRIPT FLUSH: the state and all in it are gone. */
  flush(): void {
    this.close();
  }

  close(): void {
    this.#scripts.clear();
    this.#environment?.close();
    this.#environment = null;
  }
}
