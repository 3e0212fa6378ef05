import { parseArgs } from "node:util";
import { literal, query, type Row, type Target } from "../d1.ts";
import { Failure, WRONG_USAGE } from "../failure.ts";
import { giveToken, makeUser, newToken, type User } from "../tokens.ts";
import { COMMON_OPTIONS, type Command, targetOf } from "./command.ts";

/** Characters. */
const MAX_USERNAME_LENGTH = 150;

export const tokenCommands: readonly Command[] = [
  {
    name: "token create",
    options: "[--staff | --support] [--username NAME] [--remote]",
    help: `Prints a new token of the user NAME, once: only its SHA-256 is kept.
Makes the user when there is none of that name; NAME is staff, support or user when left out.
A user who is there keeps their roles: --staff and --support are refused when they lack them.`,
    run: create,
  },
];

async function create(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      ...COMMON_OPTIONS,
      staff: { type: "boolean", default: false },
      support: { type: "boolean", default: false },
      username: { type: "string" },
    },
  });
  if (values.staff && values.support) throw new Failure("Choose one of --staff and --support.", WRONG_USAGE);
  const username = checkedUsername(values.username ?? (values.staff ? "staff" : values.support ? "support" : "user"));
  const token = newToken();
  const roles = await store(targetOf(values), { username, isStaff: values.staff, isSupport: values.support }, token);
  // The token alone on stdout, for `TOKEN=$(npm run --silent admin -- token create)`.
  console.error(`Token of ${username} (${roles}). It is shown this once:`);
  console.log(token);
}

/** Returns the user's roles in words. One call, as each costs seconds. */
async function store(target: Target, user: User, token: string): Promise<string> {
  const found = `SELECT is_staff, is_support, is_active FROM users WHERE username = ${literal(user.username)};`;
  const [row] = await query(target, [makeUser(user), giveToken(user, token), found].join("\n"));
  if (row === undefined) throw new Failure(`There is no user ${user.username}.`);
  if (row.is_active === 0) throw new Failure(`${user.username} is not active; no token was made.`);
  const refused = (user.isStaff && row.is_staff === 0) || (user.isSupport && row.is_support === 0);
  if (refused) throw new Failure(`${user.username} is there already and is ${roles(row)}; no token was made.`);
  return roles(row);
}

function roles(row: Row): string {
  const named = [row.is_staff === 1 ? "staff" : "", row.is_support === 1 ? "support" : ""].filter(Boolean);
  return named.join(" and ") || "a plain user";
}

function checkedUsername(username: string): string {
  if (username.length > 0 && username.length <= MAX_USERNAME_LENGTH && !/\p{Cc}/u.test(username)) return username;
  throw new Failure(`A username is 1 to ${MAX_USERNAME_LENGTH} characters, none a control character.`, WRONG_USAGE);
}
