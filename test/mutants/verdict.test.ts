import { describe, expect, it } from "vitest";
import { verdictOf } from "./verdict.ts";

/** A report with one file of tests, as Vitest writes it. */
const report = (tests: Record<string, string>, message = "") =>
  JSON.stringify({
    testResults: [
      { message, assertionResults: Object.entries(tests).map(([fullName, status]) => ({ fullName, status })) },
    ],
  });

describe("a planted bug", () => {
  it("is caught by a test that fails", () => {
    const run = { exitCode: 1, isLate: false, report: report({ adds: "passed", "divides by zero": "failed" }) };
    expect(verdictOf(run)).toEqual({ outcome: "caught", detail: "divides by zero" });
  });

  it("survives tests that all pass", () => {
    const run = { exitCode: 0, isLate: false, report: report({ adds: "passed", divides: "skipped" }) };
    expect(verdictOf(run)).toEqual({ outcome: "survived", detail: "" });
  });

  it("is broken when the run crashes without a report", () => {
    const run = { exitCode: null, isLate: false, report: undefined };
    expect(verdictOf(run)).toEqual({ outcome: "broken", detail: "The run crashed: no report, exit code null." });
  });

  it("is broken when the run does not end, even with a failed test", () => {
    const run = { exitCode: null, isLate: true, report: report({ adds: "failed" }) };
    expect(verdictOf(run)).toEqual({ outcome: "broken", detail: "The tests did not end in time." });
  });

  it("is broken when the sources do not compile", () => {
    const run = { exitCode: 1, isLate: false, report: report({}, "Unexpected token\nat line 1") };
    expect(verdictOf(run)).toEqual({
      outcome: "broken",
      detail: "The run failed, but no test did. Unexpected token",
    });
  });

  it("is broken when the run fails by an error outside of the tests, which all pass", () => {
    const run = { exitCode: 1, isLate: false, report: report({ adds: "passed" }) };
    expect(verdictOf(run)).toEqual({ outcome: "broken", detail: "The run failed, but no test did." });
  });

  it("is broken when no test runs", () => {
    const run = { exitCode: 0, isLate: false, report: report({ adds: "skipped" }) };
    expect(verdictOf(run)).toEqual({ outcome: "broken", detail: "No test ran." });
  });
});
