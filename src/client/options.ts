/** Door of the client's options: inputs, what they resolve to, and the functions between. */
export { redactedRedisOptions } from "./options/redact.js";
export { accessOf, resolveOptions } from "./options/resolve.js";
export type {
  NodeAccess,
  NodeAddress,
  NodeSource,
  ResolvedOptions,
  ResolvedView,
  SeedNode,
  SentinelSource,
} from "./options/resolved.js";
export type {
  Credentials,
  DevClientOptions,
  LimitOptions,
  NodeInput,
  NodeOptions,
  PoolOptions,
  ReplicatedClientOptions,
  SharedRedisOptions,
} from "./options/types.js";
export { DEFAULT_VIEW, resolveView } from "./options/view.js";
