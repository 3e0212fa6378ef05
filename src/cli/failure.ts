/** Exit codes. */
export const FAILED = 1;
export const WRONG_USAGE = 2;

/** An end we expected: its message is all the user needs. */
export class Failure extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = FAILED) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Tells the user; returns the exit code. Only what nobody expected prints a stack. */
export function report(error: unknown): number {
  console.error(error instanceof Failure ? error.message : error);
  return error instanceof Failure ? error.exitCode : FAILED;
}
