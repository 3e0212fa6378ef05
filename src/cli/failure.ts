/** Exit codes. */
export const FAILED = 1;
export const WRONG_USAGE = 2;

/** An expected error. Its message says what happened and what to do, so it is printed without a stack. */
export class Failure extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = FAILED) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Prints an error to stderr and returns the exit code. Unexpected errors are printed with their stack. */
export function report(error: unknown): number {
  console.error(error instanceof Failure ? error.message : error);
  return error instanceof Failure ? error.exitCode : FAILED;
}
