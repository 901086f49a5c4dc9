/**
 * `ioreplica`: one logical connection to a Redis or Valkey master and its replicas.
 *
 * @module
 */
export type * from "./client/types.js";
