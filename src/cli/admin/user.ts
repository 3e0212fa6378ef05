import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { literal, query } from "../d1.ts";
import { Failure, WRONG_USAGE } from "../failure.ts";
import { COMMON_OPTIONS, type Command, targetOf } from "./command.ts";
import { checkedLifetime, checkedUsername, checkedUuid, checkedYesNo } from "./options.ts";
import { table } from "./print.ts";

const FLAGS = ["staff", "support", "active"] as const;

export const userCommands: readonly Command[] = [
  {
    name: "user create",
    options: "--username NAME [--staff] [--support] [--uuid UUID] [--token-lifetime SECONDS] [--remote]",
    help: `Makes a user and prints the uuid; give --uuid to have the one of Waldur.
With a token lifetime, a token ends so many seconds after it was last used, as in Waldur.`,
    run: create,
  },
  {
    name: "user change",
    options: `--username NAME [--staff yes|no] [--support yes|no] [--active yes|no]
    [--token-lifetime SECONDS|none] [--remote]`,
    help: "Changes what is given. It is felt within a minute.",
    run: change,
  },
  { name: "user list", options: "[--remote]", help: "Every user, with the number of tokens and roles.", run: list },
];

async function create(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      ...COMMON_OPTIONS,
      username: { type: "string" },
      uuid: { type: "string" },
      staff: { type: "boolean", default: false },
      support: { type: "boolean", default: false },
      "token-lifetime": { type: "string", default: "none" },
    },
  });
  const username = checkedUsername(values.username);
  const uuid = values.uuid === undefined ? randomUUID().replaceAll("-", "") : checkedUuid(values.uuid);
  const lifetime = checkedLifetime(values["token-lifetime"]);
  const columns = [uuid, username, values.staff, values.support].map(literal).join(", ");
  const [made] = await query(
    targetOf(values),
    `INSERT INTO users (uuid, username, is_staff, is_support, token_lifetime) VALUES (${columns}, ${lifetime ?? "NULL"})
     ON CONFLICT DO NOTHING RETURNING uuid;`,
  );
  if (made === undefined) throw new Failure(`There is a user of the name ${username} or the uuid ${uuid} already.`);
  console.log(uuid);
}

async function change(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      ...COMMON_OPTIONS,
      username: { type: "string" },
      staff: { type: "string" },
      support: { type: "string" },
      active: { type: "string" },
      "token-lifetime": { type: "string" },
    },
  });
  const username = checkedUsername(values.username);
  const changes = FLAGS.flatMap((flag) => {
    const value = values[flag];
    return value === undefined ? [] : [`is_${flag} = ${literal(checkedYesNo(flag, value))}`];
  });
  const lifetime = values["token-lifetime"];
  if (lifetime !== undefined) changes.push(`token_lifetime = ${checkedLifetime(lifetime) ?? "NULL"}`);
  if (changes.length === 0) throw new Failure("Nothing to change was given.", WRONG_USAGE);
  const sql = `UPDATE users SET ${changes.join(", ")} WHERE username = ${literal(username)} RETURNING uuid;`;
  const [changed] = await query(targetOf(values), sql);
  if (changed === undefined) throw new Failure(`There is no user ${username}.`);
  console.error(`${username} was changed.`);
}

async function list(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: COMMON_OPTIONS });
  const rows = await query(
    targetOf(values),
    `SELECT username, uuid, is_staff AS staff, is_support AS support, is_active AS active, token_lifetime AS lifetime,
       (SELECT count(*) FROM tokens WHERE user_uuid = users.uuid) AS tokens,
       (SELECT count(*) FROM roles WHERE user_uuid = users.uuid) AS roles
     FROM users ORDER BY username;`,
  );
  console.log(table(rows));
}
