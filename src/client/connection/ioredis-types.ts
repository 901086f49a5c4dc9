/** ioredis's own option shapes, for modules that describe options and must not load ioredis. */
export type { Command, NatMap, RedisOptions, SentinelAddress } from "ioredis";
