import { parseArgs } from "node:util";
import { literal, query, type Row, type Target } from "../d1.ts";
import { Failure, WRONG_USAGE } from "../failure.ts";
import { giveToken, makeUser, newToken, type User } from "../tokens.ts";
import { COMMON_OPTIONS, type Command, targetOf } from "./command.ts";
import { checkedTime, checkedUsername } from "./options.ts";
import { printedDay, printedTime, table } from "./print.ts";

/** Digits of a token's hash that name it in `token list`. */
const ID_LENGTH = 12;

export const tokenCommands: readonly Command[] = [
  {
    name: "token create",
    options: "[--staff | --support] [--username NAME] [--expires TIME] [--remote]",
    help: `Prints a new token of the user NAME, once: only its SHA-256 is kept.
Makes the user when there is none of that name; NAME is staff, support or user when left out.
A user who is there keeps their roles: --staff and --support are refused when they lack them.`,
    run: create,
  },
  {
    name: "token list",
    options: "[--username NAME] [--remote]",
    help: "Tokens by their ids (the first digits of their SHA-256), with the day each was last used.",
    run: list,
  },
  {
    name: "token revoke",
    options: "ID [--remote]",
    help: "Ends a token, by its id in `token list`. It is felt within a minute.",
    run: revoke,
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
      expires: { type: "string" },
    },
  });
  if (values.staff && values.support) throw new Failure("Choose one of --staff and --support.", WRONG_USAGE);
  const username = checkedUsername(values.username ?? (values.staff ? "staff" : values.support ? "support" : "user"));
  const token = newToken();
  const user = { username, isStaff: values.staff, isSupport: values.support };
  const roles = await store(targetOf(values), user, token, checkedTime(values.expires));
  // The token alone on stdout, for `TOKEN=$(npm run --silent admin -- token create)`.
  console.error(`Token of ${username} (${roles}). It is shown this once:`);
  console.log(token);
}

/** Returns the user's roles in words. One call, as each costs seconds. */
async function store(target: Target, user: User, token: string, expires: number | undefined): Promise<string> {
  const found = `SELECT is_staff, is_support, is_active FROM users WHERE username = ${literal(user.username)};`;
  const [row] = await query(target, [makeUser(user), giveToken(user, token, expires), found].join("\n"));
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

async function list(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { ...COMMON_OPTIONS, username: { type: "string" } } });
  const whose = values.username === undefined ? "" : `WHERE username = ${literal(checkedUsername(values.username))}`;
  const rows = await query(
    targetOf(values),
    `SELECT substr(hash, 1, ${ID_LENGTH}) AS id, username, created, expires, last_used_day AS last_used
     FROM tokens JOIN users ON uuid = user_uuid ${whose} ORDER BY username, created;`,
  );
  const printed = rows.map((row) => ({
    ...row,
    created: printedTime(row.created),
    expires: printedTime(row.expires),
    last_used: printedDay(row.last_used),
  }));
  console.log(table(printed));
}

async function revoke(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args, options: COMMON_OPTIONS, allowPositionals: true });
  const [id = "", ...rest] = positionals;
  if (rest.length > 0 || !/^[0-9a-f]{12,64}$/.test(id)) {
    throw new Failure(`An id is the ${ID_LENGTH} digits that token list shows.`, WRONG_USAGE);
  }
  const sql = `DELETE FROM tokens WHERE substr(hash, 1, ${id.length}) = ${literal(id)} RETURNING hash;`;
  const revoked = await query(targetOf(values), sql);
  if (revoked.length === 0) throw new Failure(`There is no token ${id}.`);
  console.error(`The token ${id} is revoked.`);
}
