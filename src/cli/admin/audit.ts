import { userInfo } from "node:os";

/** Options whose values are printed. The values of all others may be secrets. */
const PRINTED_OPTIONS = new Set([
  "username",
  "uuid",
  "on",
  "role",
  "customer",
  "expires",
  "staff",
  "support",
  "active",
  "token-lifetime",
  "keep",
  "delete",
]);

/** Commands whose arguments without an option are printed. */
const COMMANDS_WITH_PRINTED_WORDS = new Set(["token revoke"]);

/** One line of JSON about a command that succeeded: who ran it, which command, when. */
export function auditLine(command: string, args: readonly string[], now = Date.now()): string {
  const line = { level: "info", event: "audit", by: userInfo().username, command, options: printed(command, args) };
  return JSON.stringify({ ...line, at: new Date(now).toISOString() });
}

/** The arguments, with `…` for each value that is not printed. */
function printed(command: string, args: readonly string[]): string[] {
  return args.map((arg, index) => {
    const [name = "", value] = arg.startsWith("--") ? arg.slice(2).split(/=(.*)/s) : [];
    if (name !== "") return PRINTED_OPTIONS.has(name) || value === undefined ? arg : `--${name}=…`;
    const before = args[index - 1] ?? "";
    const isPrinted = PRINTED_OPTIONS.has(before.replace(/^--/, "")) || COMMANDS_WITH_PRINTED_WORDS.has(command);
    return isPrinted ? arg : "…";
  });
}
