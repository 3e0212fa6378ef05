import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { readStateDir } from "../settings.ts";
import type { Target } from "../target.ts";

export interface Command {
  /** Subject and verb, as they are typed. */
  name: string;
  /** The arguments, for the usage text. */
  usage: string;
  /** What the command does, in lines for the usage text. */
  help: string;
  /** Throws a Failure, or an error of parseArgs when the arguments do not fit. */
  run(args: string[]): Promise<void>;
}

/** An option of every command. */
const REMOTE = { remote: { type: "boolean", default: false } } as const;

/** An option of commands that print rows. */
export const JSON_OPTION = { json: { type: "boolean", default: false } } as const;

interface Input<Options extends ParseArgsOptionsConfig> {
  target: Target;
  /** The options by name. */
  values: ReturnType<typeof parseArgs<{ options: Options }>>["values"];
  /** The arguments that are not options, e.g. an ID. */
  words: readonly string[];
}

interface Definition<Options extends ParseArgsOptionsConfig> extends Omit<Command, "run"> {
  /** As parseArgs of node:util takes them; `--no-NAME` unsets a boolean. */
  options: Options;
  /** Whether arguments that are not options are allowed. Default: false. */
  takesWords?: boolean;
  run(input: Input<Options>): Promise<void>;
}

/** Makes a command that parses its arguments before it runs. Adds `--remote` to its options and its usage text. */
export const command = <const Options extends ParseArgsOptionsConfig>(definition: Definition<Options>): Command => ({
  name: definition.name,
  usage: `${definition.usage} [--remote]`.trimStart(),
  help: definition.help,
  run: async (args) => {
    const options = { ...REMOTE, ...definition.options };
    const { takesWords: allowPositionals = false } = definition;
    const { values, positionals } = parseArgs({ args, options, allowPositionals, allowNegative: true });
    const target = targetOf("remote" in values && values.remote === true);
    await definition.run({ target, values, words: positionals });
  },
});

const targetOf = (remote: boolean): Target => (remote ? { remote } : { remote, stateDir: readStateDir(process.env) });
