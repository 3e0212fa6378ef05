import { auditLine } from "./admin/audit.ts";
import { backupCommands, restoreCommands } from "./admin/backup.ts";
import type { Command } from "./admin/command.ts";
import { counterCommands } from "./admin/counters.ts";
import { deadLetterCommands } from "./admin/dead-letters.ts";
import { ingestCommands } from "./admin/ingest.ts";
import { logCommands } from "./admin/log.ts";
import { mirrorCommands } from "./admin/mirror.ts";
import { objectCommands } from "./admin/objects.ts";
import { producerCommands } from "./admin/producers.ts";
import { retentionCommands } from "./admin/retention.ts";
import { roleCommands } from "./admin/role.ts";
import { searchCommands } from "./admin/search.ts";
import { tokenCommands } from "./admin/token.ts";
import { userCommands } from "./admin/user.ts";
import { Failure, report, WRONG_USAGE } from "./failure.ts";

/** The commands of each subject. A new subject is a file in admin/ and a line here. */
const SUBJECTS: Readonly<Record<string, readonly Command[]>> = {
  counters: counterCommands,
  search: searchCommands,
  token: tokenCommands,
  user: userCommands,
  role: roleCommands,
  objects: objectCommands,
  producers: producerCommands,
  ingest: ingestCommands,
  log: logCommands,
  retention: retentionCommands,
  mirror: mirrorCommands,
  backup: backupCommands,
  restore: restoreCommands,
  "dead-letters": deadLetterCommands,
};

/** Between two commands. */
const SEPARATOR = "--";

const HELP_WORDS = ["help", "--help", "-h"];

const ADMIN = "npm run admin --";
const HINT = `To see all commands, run: ${ADMIN} help`;

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = report(error);
}

/** Runs the commands in turn. The first one that fails ends it; a command with an unknown name ends it before the first. */
async function main(args: readonly string[]): Promise<void> {
  for (const task of partsOf(args).map(taskOf)) await task();
}

/** The commands with their arguments. `--` is between two commands. */
function partsOf(args: readonly string[]): string[][] {
  const end = args.indexOf(SEPARATOR);
  return end < 0 ? [[...args]] : [args.slice(0, end), ...partsOf(args.slice(end + 1))];
}

/** What the arguments ask for: a command, or a help text. A subject with one command may have no verb. */
function taskOf([subject = "", name = "", ...args]: readonly string[]): () => Promise<void> | void {
  if (HELP_WORDS.includes(subject)) return () => console.log(usage());
  if (subject === "") throw new Failure(`Give a command, for example: user list. ${HINT}`, WRONG_USAGE);
  const commands = Object.hasOwn(SUBJECTS, subject) ? (SUBJECTS[subject] ?? []) : [];
  if (HELP_WORDS.includes(name) && commands.length > 0) return () => console.log(usage(commands));
  const only = commands.find((candidate) => candidate.name === subject);
  const command = only ?? commands.find((candidate) => candidate.name === `${subject} ${name}`);
  if (!command) throw unknownCommand(`${subject} ${name}`.trim(), commands);
  if (args.includes("--help") || args.includes("-h")) return () => console.log(usage([command]));
  return () => run(command, only && name !== "" ? [name, ...args] : args);
}

function unknownCommand(given: string, commands: readonly Command[]): Failure {
  const names =
    commands.length > 0 ? commands.map(({ name }) => name) : Object.keys(SUBJECTS).map((name) => `${name} …`);
  return new Failure(
    `There is no command ${JSON.stringify(given)}. There are: ${names.join(", ")}.\n${HINT}`,
    WRONG_USAGE,
  );
}

async function run(command: Command, args: string[]): Promise<void> {
  try {
    await command.run(args);
    if (process.env.AUDIT !== "off") console.error(auditLine(command.name, args));
  } catch (error) {
    if (!isArgumentError(error)) throw error;
    throw new Failure(`${error.message}\nTo see its options, run: ${ADMIN} ${command.name} --help`, WRONG_USAGE);
  }
}

/** Whether parseArgs of node:util threw the error. */
function isArgumentError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS_");
}

function usage(commands: readonly Command[] = Object.values(SUBJECTS).flat()): string {
  return `Usage: npm run admin -- COMMAND [OPTIONS] [-- COMMAND [OPTIONS]]…

${commands.map(({ name, usage, help }) => `  ${name} ${usage}\n${help.replaceAll(/^/gm, "      ")}`).join("\n\n")}

Options of every command
  --remote  Uses the deployed database. Default: the local one, in STATE_DIR or .wrangler/state.

Several commands in one call have -- between them. They run in turn; after one that fails, none runs.`;
}
