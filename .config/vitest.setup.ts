import { afterEach } from "vitest";

// A library prints nothing: whoever calls it decides what is said. A line that the code under test (or
// ioredis on its behalf) writes to the console fails the test in which it was written.
const printed: string[] = ((globalThis as { printedByLibrary?: string[] }).printedByLibrary ??= watch([]));

/** Once per process: files of one project may share it. */
function watch(printed: string[]): string[] {
  for (const method of ["log", "info", "warn", "error", "debug", "trace"] as const) {
    const original = console[method].bind(console);
    console[method] = (...args: unknown[]): void => {
      const stack = new Error().stack ?? "";
      if (/[/\\](src[/\\](?!cli)|node_modules[/\\]ioredis)/.test(stack)) {
        printed.push(`console.${method}(${args.map(String).join(" ")})`);
      }
      original(...args);
    };
  }

  // What Node.js warns of is a bug of ours: a listener too many, a timer that is longer than it can wait.
  process.on("warning", (warning) => {
    if (/^(MaxListenersExceeded|TimeoutOverflow|TimeoutNegative)Warning$/.test(warning.name))
      printed.push(String(warning));
  });
  return printed;
}

afterEach(() => {
  const lines = printed.splice(0);
  if (lines.length > 0) throw new Error(`the library wrote to the console: ${lines.join("; ")}`);
});
