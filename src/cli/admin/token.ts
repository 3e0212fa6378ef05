import { eq, sql } from "drizzle-orm";
import { tokens, users } from "../../auth/table.ts";
import { newToken } from "../credentials.ts";
import { query, queryAll, type Row } from "../d1.ts";
import { Failure, WRONG_USAGE } from "../failure.ts";
import { builder, startsWith } from "../sql.ts";
import type { Target } from "../target.ts";
import { insertToken, insertUser, isNamed, noUser, type User } from "../users.ts";
import { command } from "./command.ts";
import { checkedUsername, ifGiven } from "./options.ts";
import { printTabbed } from "./print.ts";
import { checkedTime, isoDay, isoTime } from "./time.ts";

/** Digits of a token's hash that `token list` prints. */
const ID_LENGTH = 12;

const create = command({
  name: "token create",
  usage: "[--staff | --support] [--username NAME] [--expires TIME]",
  help: `Prints a new token of the user NAME. It is shown only once, because the database has only its SHA-256.
Creates the user if there is none with this name. Default of NAME: staff, support or user, by the option.
Never changes an existing user: --staff and --support fail for a user without this role.`,
  options: {
    staff: { type: "boolean", default: false },
    support: { type: "boolean", default: false },
    username: { type: "string" },
    expires: { type: "string" },
  },
  async run({ target, values: { staff, support, username, expires } }) {
    if (staff && support) throw new Failure("Give --staff or --support, not both.", WRONG_USAGE);
    const name = checkedUsername("--username", username ?? (staff ? "staff" : support ? "support" : "user"));
    const user = { username: name, isStaff: staff, isSupport: support };
    const token = newToken();
    const { roles, isNew } = await store(target, user, token, ifGiven("--expires", expires, checkedTime));
    if (isNew) console.error(`There was no user called ${name}; one was created.`);
    // Only the token goes to stdout, for `TOKEN=$(npm run --silent admin -- token create)`.
    console.error(`Token of ${name} (${roles}). It is shown only once:`);
    console.log(token);
  },
});

/**
 * Stores the token, for a new user where there is none of the name. Returns the user's roles in words. Throws a Failure when
 * the user may not have the token.
 */
async function store(target: Target, user: User, token: string, expires: number | undefined) {
  const { isStaff, isSupport, isActive } = users;
  const found = builder.select({ isStaff, isSupport, isActive }).from(users).where(isNamed(user.username));
  const [[created] = [], , [row] = []] = await queryAll(target, [
    insertUser(user),
    insertToken(user, token, expires),
    found,
  ]);
  if (row === undefined) throw noUser(user.username);
  if (row.is_active === 0) throw noToken(user, "is not active", "active");
  if (user.isStaff && row.is_staff === 0) throw noToken(user, `exists and is ${roles(row)}`, "staff");
  if (user.isSupport && row.is_support === 0) throw noToken(user, `exists and is ${roles(row)}`, "support");
  return { roles: roles(row), isNew: created !== undefined };
}

const noToken = ({ username }: User, reason: string, option: string): Failure =>
  new Failure(
    `${username} ${reason}, so no token was created. First run: user change --username ${username} --${option} yes`,
  );

function roles(row: Row): string {
  const names = [row.is_staff === 1 ? "staff" : "", row.is_support === 1 ? "support" : ""].filter(Boolean);
  return names.join(" and ") || "a plain user";
}

const list = command({
  name: "token list",
  usage: "[--username NAME]",
  help: `Lists tokens with the day of their last use. An ID is the first ${ID_LENGTH} digits of the token's SHA-256.`,
  options: { username: { type: "string" } },
  async run({ target, values }) {
    const username = ifGiven("--username", values.username, checkedUsername);
    const { created, expires, lastUsedDay } = tokens;
    const id = sql`substr(${tokens.hash}, 1, ${ID_LENGTH})`.as("id");
    const rows = await query(
      target,
      builder
        .select({ id, username: users.username, created, expires, lastUsedDay })
        .from(tokens)
        .innerJoin(users, eq(users.uuid, tokens.userUuid))
        .where(username === undefined ? undefined : isNamed(username))
        .orderBy(users.username, tokens.created),
    );
    printTabbed(
      rows.map(({ last_used_day, ...row }) => ({
        ...row,
        created: isoTime(row.created),
        expires: isoTime(row.expires),
        last_used: isoDay(last_used_day),
      })),
    );
  },
});

const revoke = command({
  name: "token revoke",
  usage: "ID",
  help: "Deletes the token with this ID, which token list prints. The API rejects the token within a minute.",
  options: {},
  takesWords: true,
  async run({ target, words }) {
    const [id = "", ...others] = words;
    if (others.length > 0 || !/^[0-9a-f]{12,64}$/.test(id)) {
      throw new Failure(`Give one ID of token list: ${ID_LENGTH} hex digits.`, WRONG_USAGE);
    }
    const revoked = await query(
      target,
      builder.delete(tokens).where(startsWith(tokens.hash, id)).returning({ hash: tokens.hash }),
    );
    if (revoked.length === 0) throw new Failure(`There is no token ${id}.`);
    console.error(`The token ${id} is revoked.`);
  },
});

export const tokenCommands = [create, list, revoke];
