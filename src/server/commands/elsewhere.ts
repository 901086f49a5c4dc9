import { commandTable } from "../../protocol/command-table/table.js";
import { ErrorReply, type Reply } from "../../protocol/resp/reply.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { helpText } from "./support/help.js";

/*
 * Commands of parts that this server doesn't have: they are known, and answer as a redis-server does that has neither a
 * cluster nor modules. Clients ask so what they talk to.
 */

const NO_CLUSTER = new ErrorReply("ERR This instance has cluster support disabled");
const CANT_LOAD = new ErrorReply("ERR Error loading the extension. Please check the server logs.");
const NO_SUCH_MODULE = new ErrorReply("ERR Error unloading module: no such module with that name");

const noCluster = (): Reply => NO_CLUSTER;
const clusterNames = (commandTable.get("cluster")?.subcommands ?? []).map(({ name }) => name);

/** https://redis.io/docs/latest/commands/?group=cluster, and MODULE. */
export const elsewhereCommands: CommandGroup = {
  ...Object.fromEntries([...clusterNames, "asking", "readonly", "readwrite"].map((name) => [name, noCluster])),
  "module|list": () => [],
  "module|load": () => CANT_LOAD,
  "module|loadex": () => CANT_LOAD,
  "module|unload": () => NO_SUCH_MODULE,
  "module|help": () => helpText("module"),
};
