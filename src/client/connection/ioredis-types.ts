/** ioredis's own option shapes, for modules that describe options and must not load ioredis. */
export type { NatMap, RedisOptions, SentinelAddress } from "ioredis";
