import type { Bytes } from "../../protocol/resp/reply.js";

/** Where the function libraries of a server are, for those who write and read its data. */
export interface FunctionStore {
  /** The code of every library, as it was loaded. */
  dump(): readonly Bytes[];
  /**
   * Takes libraries in: in the place of all there are; beside them, an equal name being replaced; or beside them, an equal
   * name being an error.
   * @throws Error if one of them can't be loaded; nothing has changed then
   */
  load(libraries: readonly Bytes[], how: "replaceAll" | "merge" | "append"): void;
}
