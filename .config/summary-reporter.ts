import type { Reporter, TestModule, TestRunEndReason } from "vitest/node";

/**
 * Closes a run with one line that scripts can read: `N passed, N failed`. An error outside any test, a file
 * that could not be loaded and a run that was cut short count as failed; a skipped test is named, since
 * nothing here may be skipped in silence.
 */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[], reason: TestRunEndReason): void {
    let passed = 0;
    let failed = errors.length;
    let skipped = 0;
    for (const module of modules) {
      if (module.errors().length > 0) failed++;
      for (const suite of module.children.allSuites()) if (suite.errors().length > 0) failed++;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") passed++;
        else if (state === "failed") failed++;
        else {
          skipped++;
          process.stdout.write(`skipped: ${module.relativeModuleId} > ${test.fullName}\n`);
        }
      }
    }
    if (reason === "interrupted" && failed === 0) failed = 1;
    process.stdout.write(`${skipped > 0 ? `${skipped} skipped\n` : ""}${passed} passed, ${failed} failed\n`);
  }
}
