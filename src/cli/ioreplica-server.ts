#!/usr/bin/env node
import { REDIS_VERSION } from "../protocol/version.js";
import { runServer } from "./server/run.js";

const USAGE = `Usage: ioreplica-server [/path/to/redis.conf] [--directive value ...]
       ioreplica-server -            (reads the configuration from standard input)
       ioreplica-server --version | --help        (also -v, -h)

Takes what redis-server takes. Examples:
       ioreplica-server --port 6380
       ioreplica-server --port 6381 --replicaof 127.0.0.1 6380
       ioreplica-server redis.conf --loglevel verbose
`;

const args = process.argv.slice(2);
if (args[0] === "-v" || args[0] === "--version") {
  process.stdout.write(`Redis server v=${REDIS_VERSION} sha=00000000:0 malloc=v8 bits=64 build=ioreplica\n`);
} else if (args[0] === "-h" || args[0] === "--help") {
  process.stdout.write(USAGE);
} else if (args[0] === "--test-memory" || args[0] === "--check-system") {
  process.stderr.write(`${args[0]} is redis-server's own test of the machine: this server has none\n`);
  process.exitCode = 1;
} else {
  await runServer(args);
}
