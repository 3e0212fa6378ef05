import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

const CLI = resolve(import.meta.dirname, "../../src/cli");

/** The options of each command, by the command's name. */
type Commands = ReadonlyMap<string, ReadonlySet<string>>;

/** Reads the output of `npm run admin -- help`. A command starts with two spaces, its help text with six. */
function commandsIn(help: string): Commands {
  const usages = help.matchAll(/^ {2}([a-z-]+ [a-z]+|retention) (.*(?:\n {4}\S.*)*)$/gm);
  return new Map([...usages].map(([, name = "", usage = ""]) => [name, optionsIn(usage)]));
}

const optionsIn = (text: string): Set<string> => new Set(text.match(/--[a-z-]+/g));

/** One line for each command that the help or the README lacks, and for each unknown option in the README. */
function differences(commands: Commands, readme: string): string[] {
  const calls = [...readme.matchAll(/admin -- ((?:[a-z-]+ [a-z]+|retention ).*)$/gm)];
  const shown = calls
    .flatMap(([, call = ""]) => call.split(" -- "))
    .map((text) => /^([a-z-]+ [a-z]+|retention)(.*)$/.exec(text) ?? [text, text]);
  const names = new Set(shown.map(([, name = ""]) => name));
  return [
    ...[...commands.keys()].filter((name) => !names.has(name)).map((name) => `${name} is not in the README`),
    ...shown.flatMap(([, name = "", rest = ""]) => {
      const options = commands.get(name);
      if (options === undefined) return [`${name} is no command`];
      return [...optionsIn(rest)].filter((option) => !options.has(option)).map((option) => `${name} has no ${option}`);
    }),
  ];
}

test("src/cli/README.md shows every admin command, with options that exist, and no other", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [resolve(CLI, "admin.ts"), "help"]);
  const commands = commandsIn(stdout);
  const readme = await readFile(resolve(CLI, "README.md"), "utf8");
  assert.deepEqual(commands.get("user change")?.has("--token-lifetime"), true, "usages of two lines are read");
  assert.deepEqual(differences(commands, readme), []);

  const planted = readme.replaceAll("admin -- user list", "admin -- user delete");
  assert.deepEqual(differences(commands, planted), ["user list is not in the README", "user delete is no command"]);
  const second = readme.replace("-- token create", "-- token make");
  assert.deepEqual(differences(commands, second), ["token make is no command"]);
  const period = readme.replaceAll("admin -- retention", "admin -- remember all");
  assert.deepEqual(differences(commands, period), ["retention is not in the README", "remember all is no command"]);
  const option = readme.replace("admin -- role list", "admin -- role list --everything");
  assert.deepEqual(differences(commands, option), ["role list has no --everything"]);
});
