/** How keys stand in a command's arguments, as COMMAND of Redis 7 describes it ("key specs"). */
export interface KeySpec {
  readonly flags: readonly string[];
  readonly begin: { readonly index: number } | { readonly keyword: string; readonly startFrom: number } | "unknown";
  readonly find:
    | { readonly lastKey: number; readonly step: number; readonly limit: number }
    | { readonly keyNumIndex: number; readonly firstKey: number; readonly step: number }
    | "unknown";
}

/** One command as `COMMAND INFO` of redis-server 7.0 describes it. */
export interface CommandSpec {
  /** Lower case; a subcommand is `parent|sub`. */
  readonly name: string;
  /** Arguments with the name; negative = at least that many. */
  readonly arity: number;
  readonly flags: readonly string[];
  /** Positions of the first and last key and the step between keys; 0 = no keys. */
  readonly firstKey: number;
  readonly lastKey: number;
  readonly step: number;
  /** With the `@`. */
  readonly categories: readonly string[];
  readonly tips: readonly string[];
  readonly keySpecs: readonly KeySpec[];
  /** Version of Redis that brought it. */
  readonly since: string;
  /** `string`, `generic`, `sorted-set`, … */
  readonly group: string;
  readonly subcommands: readonly CommandSpec[];
}
