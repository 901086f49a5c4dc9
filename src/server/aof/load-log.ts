import { RdbError } from "../rdb/error.js";
import { loadSteps } from "../rdb/load.js";
import type { ServerCore } from "../server-core.js";
import { systemText } from "../system-text.js";
import type { LogDirectory } from "./directory.js";
import type { Manifest } from "./manifest.js";
import { BadLog, readLog, TruncatedLog } from "./read-log.js";

/** A log that can't be loaded; why was logged in redis-server's words. The server must not go on with half the data. */
export class LogLoadError extends Error {}

/** Commands between two places where loading may pause. */
const STEP = 256;

/**
 * Loads the files of a log into an empty server. Yields now and then; a caller that doesn't care runs it to its end.
 * @throws LogLoadError
 */
export function* loadLog(
  core: ServerCore,
  directory: LogDirectory,
  { base, incremental }: Manifest,
  progress: (bytes: number) => void,
): Generator<undefined, void, undefined> {
  const entries = [...(base === null ? [] : [base]), ...incremental];
  let before = 0;
  core.resetMasterLink();
  for (const [i, { name }] of entries.entries()) {
    const isLast = i === entries.length - 1;
    const startMs = core.clock.now();
    const file = read(core, directory, name);
    const truncated = yield* loadFile(core, directory, name, file, (bytes) => progress(before + bytes));
    if (truncated && !isLast) fail(core, "Fatal error: the truncated file is not the last file");
    before += file.length;
    const seconds = ((core.clock.now() - startMs) / 1000).toFixed(3);
    core.log("notice", `DB loaded from ${name === base?.name ? "base" : "incr"} file ${name}: ${seconds} seconds`);
  }
  core.resetMasterLink();
  core.effects.totalDirty = 0;
}

function fail(core: ServerCore, text: string): never {
  core.log("warning", text);
  throw new LogLoadError(text);
}

function read(core: ServerCore, directory: LogDirectory, name: string): Buffer {
  try {
    const file = directory.read(name);
    if (file !== null) return file;
  } catch (error) {
    const reason = systemText(error);
    return fail(core, `Fatal error: can't open the append log file ${name} for reading: ${reason}`);
  }
  return fail(core, `The append log file ${name} doesn't exist: No such file or directory`);
}

/** True if the file ended in the middle of something, which was cut off. */
function* loadFile(
  core: ServerCore,
  directory: LogDirectory,
  name: string,
  file: Buffer,
  progress: (bytes: number) => void,
): Generator<undefined, boolean, undefined> {
  // How far the file is whole, transactions included.
  let valid = 0;
  if (file.length >= 5 && file.latin1Slice(0, 5) === "REDIS") valid = yield* loadPreamble(core, name, file);
  let inMulti = false;
  let count = 0;
  try {
    for (const { args, end } of readLog(file, valid)) {
      const word = (args[0] as string).toLowerCase();
      if (core.commands.resolve(args)?.handler == null)
        fail(core, `Unknown command '${args[0]}' reading the append only file ${name}`);
      if (word === "multi") inMulti = true;
      core.executeFromMaster(args);
      if (word === "exec") inMulti = false;
      if (!inMulti) valid = end;
      if (++count % STEP === 0) {
        progress(end);
        yield;
      }
    }
    if (!inMulti) return false;
    core.log("warning", `Revert incomplete MULTI/EXEC transaction in AOF file ${name}`);
  } catch (error) {
    if (error instanceof BadLog) {
      const advice = "make a backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest>";
      fail(core, `Bad file format reading the append only file ${name}: ${advice}`);
    }
    if (!(error instanceof TruncatedLog)) throw error;
  }
  cutOff(core, directory, name, valid);
  return true;
}

function* loadPreamble(core: ServerCore, name: string, file: Buffer): Generator<undefined, number, undefined> {
  const isBase = name.endsWith(".rdb");
  core.log("notice", isBase ? "Reading RDB base file on AOF loading..." : "Reading RDB preamble from AOF file...");
  try {
    const fresh = core.databases.map((db) => core.keyspace.createDatabase(db.index));
    const steps = loadSteps(file, fresh, { clock: core.clock, limits: core.config, dropExpired: false });
    let step = steps.next();
    for (; !step.done; step = steps.next()) yield;
    const loaded = step.value;
    if (core.functionStore !== null) core.functionStore.load(loaded.functions, "replaceAll");
    else if (loaded.functions.length > 0) throw new RdbError("function libraries can't be had here");
    core.keyspace.replaceAll(fresh);
    if (!isBase) core.log("notice", "Reading the remaining AOF tail...");
    return loaded.end;
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
    const what = isBase ? "RDB base file" : "RDB preamble of the AOF file";
    core.log("warning", error.message);
    return fail(core, `Error reading the ${what} ${name}, AOF loading aborted`);
  }
}

function cutOff(core: ServerCore, directory: LogDirectory, name: string, valid: number): void {
  // What a MULTI has queued is void.
  core.resetMasterLink();
  if (!core.config.flag("aof-load-truncated")) {
    fail(
      core,
      `Unexpected end of file reading the append only file ${name}. You can: ` +
        "1) Make a backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest>. " +
        "2) Alternatively you can set the 'aof-load-truncated' configuration option to yes and restart the server.",
    );
  }
  core.log("warning", `!!! Warning: short read while loading the AOF file ${name}!!!`);
  core.log("warning", `!!! Truncating the AOF ${name} at offset ${valid} !!!`);
  directory.truncate(name, valid);
  core.log("warning", `AOF ${name} loaded anyway because aof-load-truncated is enabled`);
}
