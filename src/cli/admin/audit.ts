import { userInfo } from "node:os";

/** Options whose values are told; of others, which may be secrets, only the names are. */
const TOLD = new Set([
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
]);

/** Commands whose words without a name are no secrets. */
const TOLD_WORDS = new Set(["token revoke"]);

/** One line of JSON for a command that was done: who, what, when. */
export function auditLine(command: string, args: readonly string[], now = Date.now()): string {
  const line = { level: "info", event: "audit", by: userInfo().username, command, options: told(command, args) };
  return JSON.stringify({ ...line, at: new Date(now).toISOString() });
}

function told(command: string, args: readonly string[]): string[] {
  return args.map((arg, index) => {
    const [name = "", value] = arg.startsWith("--") ? arg.slice(2).split(/=(.*)/s) : [];
    if (name !== "") return TOLD.has(name) || value === undefined ? arg : `--${name}=…`;
    const before = args[index - 1] ?? "";
    return TOLD.has(before.replace(/^--/, "")) || TOLD_WORDS.has(command) ? arg : "…";
  });
}
