import { ScanStream, type ScanStreamOptions } from "ioredis";

/** A client's scanning methods, as a stream calls them. */
type ScanMethod = (args: unknown[], callback: (error: Error | null, reply?: unknown) => void) => void;

/** What a stream does when the node that issued its cursor is gone. */
export type OnNodeLost = "error" | "restart";

/**
 * ioredis's scan stream over a view of its own, so that it keeps a scan home of its own. With `restart` it begins
 * anew on another node when its home is gone: everything that is there throughout is still delivered, some of it twice.
 */
export function scanStream(
  view: object,
  command: string,
  key: unknown,
  options: ScanStreamOptions & { onNodeLost?: OnNodeLost | undefined },
): ScanStream {
  const { onNodeLost = "error", ...rest } = options;
  const method = (view as Record<string, ScanMethod>)[command] as ScanMethod;
  const cursorAt = key === undefined ? 0 : 1;
  const run: ScanMethod = (args, callback) => {
    method.call(view, args, (error, reply) => {
      const lost = error !== null && (error as { code?: unknown }).code === "IOREPLICA_CURSOR_LOST";
      if (!lost || onNodeLost === "error") callback(error, reply);
      else run(args.with(cursorAt, "0"), callback);
    });
  };
  return new ScanStream({ objectMode: true, key, redis: { [command]: run }, command, ...rest } as never);
}
