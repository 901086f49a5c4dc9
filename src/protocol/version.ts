/** The version of Redis whose behaviour the dev server has, as INFO and HELLO name it. */
export const REDIS_VERSION = "7.0.15";
