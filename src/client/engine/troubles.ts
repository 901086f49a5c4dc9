import type { TopologyInput } from "../topology/input.js";
import type { TopologyState } from "../topology/state.js";

/** Texts of certificate errors, which no waiting mends. */
const CERTIFICATE = /CERT|certificate|ALTNAME|self-signed|SSL|TLS/i;

/**
 * What a person must act on: a password, a certificate, a server of the wrong kind, or no server at all. Each is
 * told once, when it begins, and again only after it had ended; never per try.
 */
export class Troubles {
  readonly #told = new Map<string, string>();
  #allDown = false;
  #sentinelsDown = false;

  constructor(private readonly tell: (error: Error) => void) {}

  note(input: Extract<TopologyInput, { type: "poll" | "pollFailed" }>, state: TopologyState): void {
    for (const node of this.#told.keys()) if (!state.nodes.has(node)) this.#told.delete(node);
    if (input.type === "poll") {
      this.#told.delete(input.node);
      this.#allDown = false;
      return;
    }
    const grave =
      input.kind === "auth" ||
      input.kind === "unsupported" ||
      (input.kind === "connect" && CERTIFICATE.test(input.reason));
    if (grave) {
      if (this.#told.get(input.node) === input.kind) return;
      this.#told.set(input.node, input.kind);
      this.tell(trouble(input.node, input.kind, input.reason));
      return;
    }
    if (this.#allDown || [...state.nodes.values()].some((node) => node.reachable || node.failure === null)) return;
    this.#allDown = true;
    const reasons = [...state.nodes.values()].map(({ id, failure }) => `${id}: ${failure?.reason ?? "no answer"}`);
    this.tell(new Error(`no node can be reached: ${reasons.join("; ")}`));
  }

  sentinelsDown(reasons: readonly { readonly sentinel: string; readonly reason: string }[]): void {
    if (this.#sentinelsDown) return;
    this.#sentinelsDown = true;
    this.tell(
      new Error(
        `no Sentinel can be reached: ${reasons.map(({ sentinel, reason }) => `${sentinel}: ${reason}`).join("; ")}`,
      ),
    );
  }
}

/** The error for a person: what the server said, and what to do about it. `code` is the first word of a server's text. */
function trouble(node: string, kind: string, reason: string): Error & { code?: string } {
  const hint =
    kind === "auth"
      ? "give a user name and password that this server takes, and that may run INFO, in redisOptions, in the node's URL, or by credentials"
      : kind === "connect"
        ? "give the certificate authority in redisOptions.tls.ca, and connect by a name that the certificate has"
        : "";
  const error: Error & { code?: string } = new Error(`${node}: ${reason}${hint === "" ? "" : `; ${hint}`}`);
  const code = /^[A-Z][A-Z_]+\b/.exec(reason)?.[0];
  if (code !== undefined) error.code = code;
  return error;
}
