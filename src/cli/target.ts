/** The data to work on: of the deployed Worker, or of the local one, which keeps its data in a directory. */
export type Target = { remote: true } | LocalTarget;

export interface LocalTarget {
  remote: false;
  stateDir: string;
}

/** The options that make wrangler use the target. */
export const targetOptions = (target: Target): string[] =>
  target.remote ? ["--remote"] : ["--local", "--persist-to", target.stateDir];
