import type { ServerCore } from "../server-core.js";
import { systemText } from "../system-text.js";
import type { LogDirectory } from "./directory.js";
import type { LogFileNames } from "./file-names.js";
import { LogLoadError } from "./load-log.js";
import { EMPTY_MANIFEST, formatManifest, type Manifest, ManifestError, parseManifest } from "./manifest.js";

/** The manifest on disk; the empty one if there is none. @throws LogLoadError */
export function readManifest(core: ServerCore, directory: LogDirectory, names: LogFileNames): Manifest {
  if (directory.list() === null) {
    core.log("debug", `The AOF directory ${core.config.text("appenddirname")} doesn't exist`);
    return EMPTY_MANIFEST;
  }
  const file = directory.read(names.manifest);
  if (file === null) {
    core.log("debug", `The AOF manifest file ${names.manifest} doesn't exist`);
    return EMPTY_MANIFEST;
  }
  try {
    return parseManifest(file.toString("latin1"));
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    core.log("warning", "\n*** FATAL AOF MANIFEST FILE ERROR ***\n");
    if (error.line > 0) core.log("warning", `Reading the manifest file, at line ${error.line}\n`);
    if (error.line > 0) core.log("warning", `>>> '${error.text}'\n`);
    core.log("warning", `${error.message}\n`);
    throw new LogLoadError(error.message);
  }
}

/** A log of Redis before 7.0, if there is one and no newer, becomes the base. Returns the manifest that holds from now on. */
export function adoptOldLog(
  core: ServerCore,
  directory: LogDirectory,
  names: LogFileNames,
  manifest: Manifest,
): Manifest {
  if (!directory.hasOld(names.old)) return manifest;
  const isEmpty = manifest.base === null && manifest.incremental.length === 0;
  const isHalfDone =
    manifest.base?.name === names.old && manifest.incremental.length === 0 && directory.read(names.old) === null;
  if (!isEmpty && !isHalfDone) return manifest;
  directory.make();
  const adopted = isEmpty ? { ...manifest, base: { name: names.old, seq: 1 } } : manifest;
  directory.write(names.manifest, formatManifest(adopted));
  directory.adoptOld(names.old);
  const folder = core.config.text("appenddirname");
  core.log("notice", `Successfully migrated an old-style AOF file (${names.old}) into the AOF directory (${folder}).`);
  return adopted;
}

/** Bytes of base and incremental files together. @throws LogLoadError */
export function sizeOfFiles(core: ServerCore, directory: LogDirectory, { base, incremental }: Manifest): number {
  const entries = [...(base === null ? [] : [base]), ...incremental];
  let size = 0;
  for (const { name } of entries) {
    try {
      size += directory.sizeOf(name);
    } catch (error) {
      const reason = systemText(error);
      core.log("warning", `Unable to obtain the AOF file ${name} length. stat: ${reason}`);
      throw new LogLoadError(reason);
    }
  }
  return size;
}
