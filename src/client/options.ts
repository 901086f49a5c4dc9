/** Door of the client's options: what resolves and checks them, and what that gives. Public shapes are in options/types.ts. */
export { redactedRedisOptions } from "./options/redact.js";
export { accessOf, resolveOptions } from "./options/resolve.js";
export type { ResolvedView } from "./options/resolved.js";
export type { PoolOptions, ReplicatedClientOptions } from "./options/types.js";
export { DEFAULT_VIEW, resolveView } from "./options/view.js";
