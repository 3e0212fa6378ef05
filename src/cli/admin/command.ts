import type { Target } from "../d1.ts";
import { readStateDir } from "../settings.ts";

export interface Command {
  /** Subject and verb, as they are typed. */
  name: string;
  /** How the options are written in the usage. */
  options: string;
  /** What it does, in lines for the usage. */
  help: string;
  run(args: string[]): Promise<void>;
}

/** Options of every command, for parseArgs. */
export const COMMON_OPTIONS = { remote: { type: "boolean", default: false } } as const;

/** Of commands that print rows: as JSON, with nothing cut. */
export const JSON_OPTION = { json: { type: "boolean", default: false } } as const;

export function targetOf({ remote }: { remote: boolean }): Target {
  return remote ? { remote } : { remote, stateDir: readStateDir(process.env) };
}
