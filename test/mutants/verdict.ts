/** How a run of Vitest ended. */
export interface TestRun {
  /** Null after a signal. */
  exitCode: number | null;
  /** Whether it was ended because it took longer than its limit. */
  isLate: boolean;
  /** What Vitest's JSON reporter wrote; undefined when it wrote nothing. */
  report: string | undefined;
}

/** What a run of tests says of the bug that was planted for it, and by which test or why. */
export interface Verdict {
  outcome: "caught" | "survived" | "broken";
  detail: string;
}

interface Report {
  testResults: { message: string; assertionResults: { status: string; fullName: string }[] }[];
}

/**
 * Only a failed test catches a bug. A run that crashes, that does not end, or that fails without a failed test (the
 * sources do not compile; an error outside of all tests) says nothing about the tests. The bug is then broken: it needs
 * another text, or a test that fails on it.
 */
export function verdictOf({ exitCode, isLate, report }: TestRun): Verdict {
  if (isLate) return broken("The tests did not end in time.");
  if (report === undefined) return broken(`The run crashed: no report, exit code ${exitCode}.`);
  const { testResults }: Report = JSON.parse(report);
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = tests.find(({ status }) => status === "failed");
  if (failed !== undefined) return { outcome: "caught", detail: failed.fullName };
  if (exitCode !== 0) return broken(outsideOfTests(testResults));
  if (!tests.some(({ status }) => status === "passed")) return broken("No test ran.");
  return { outcome: "survived", detail: "" };
}

/** The verdict on a bug that cannot be judged. */
export const broken = (detail: string): Verdict => ({ outcome: "broken", detail });

function outsideOfTests(files: Report["testResults"]): string {
  const [message = ""] = files.flatMap(({ message }) => message.split("\n")[0] || []);
  return `The run failed, but no test did. ${message}`.trimEnd();
}
