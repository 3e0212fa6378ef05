import { parseArgs } from "node:util";
import { literal, query } from "../d1.ts";
import { Failure } from "../failure.ts";
import { COMMON_OPTIONS, type Command, targetOf } from "./command.ts";
import { checkedRoleName, checkedScope, checkedTime, checkedUsername, checkedUuid } from "./options.ts";
import { printedTime, table } from "./print.ts";

const OPTIONS = {
  ...COMMON_OPTIONS,
  username: { type: "string" },
  on: { type: "string" },
  role: { type: "string" },
  customer: { type: "string" },
  expires: { type: "string" },
} as const;

export const roleCommands: readonly Command[] = [
  {
    name: "role grant",
    options: "--username NAME --on TYPE:UUID [--role ROLE] [--customer UUID] [--expires TIME] [--remote]",
    help: `Gives a user a role on a customer, a project or another object. ROLE is Waldur's name, e.g. CUSTOMER.OWNER;
which one it is makes no difference to what is seen. --customer: whose project it is, where no event has told yet.
Granting a role again changes its expiry.`,
    run: grant,
  },
  {
    name: "role revoke",
    options: "--username NAME --on TYPE:UUID [--role ROLE] [--remote]",
    help: "Takes the role, or every role on the object, from the user. It is felt within a minute.",
    run: revoke,
  },
  { name: "role list", options: "[--username NAME] [--remote]", help: "The roles of a user, or of all.", run: list },
];

async function grant(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: OPTIONS });
  const username = checkedUsername(values.username);
  const { scopeType, scope } = checkedScope(values.on);
  const role = checkedRoleName(values.role ?? `${scopeType.toUpperCase()}.MEMBER`);
  const customer = values.customer === undefined ? "NULL" : literal(checkedUuid(values.customer));
  const expires = checkedTime(values.expires) ?? "NULL";
  const [granted] = await query(
    targetOf(values),
    `INSERT INTO roles (user_uuid, scope, scope_type, name, customer, expires)
     SELECT uuid, ${literal(scope)}, ${literal(scopeType)}, ${literal(role)}, ${customer}, ${expires}
     FROM users WHERE username = ${literal(username)}
     ON CONFLICT (user_uuid, scope, name) DO UPDATE SET expires = excluded.expires, scope_type = excluded.scope_type,
       customer = coalesce(excluded.customer, customer)
     RETURNING name;`,
  );
  if (granted === undefined) throw new Failure(`There is no user ${username}.`);
  console.error(`${username} has ${role} on ${scopeType} ${scope}.`);
}

async function revoke(args: string[]): Promise<void> {
  const { customer: _, expires: __, ...options } = OPTIONS;
  const { values } = parseArgs({ args, options });
  const username = checkedUsername(values.username);
  const { scope } = checkedScope(values.on);
  const named = values.role === undefined ? "" : `AND name = ${literal(checkedRoleName(values.role))}`;
  const revoked = await query(
    targetOf(values),
    `DELETE FROM roles WHERE user_uuid = (SELECT uuid FROM users WHERE username = ${literal(username)})
     AND scope = ${literal(scope)} ${named} RETURNING name;`,
  );
  if (revoked.length === 0) throw new Failure(`${username} has no such role.`);
  console.error(`${username} has lost ${revoked.map((row) => row.name).join(", ")}.`);
}

async function list(args: string[]): Promise<void> {
  const { remote, username } = OPTIONS;
  const { values } = parseArgs({ args, options: { remote, username } });
  const whose = values.username === undefined ? "" : `WHERE username = ${literal(checkedUsername(values.username))}`;
  const rows = await query(
    targetOf(values),
    `SELECT username, scope_type, scope, name, roles.expires FROM roles JOIN users ON uuid = user_uuid ${whose}
     ORDER BY username, scope_type, scope, name;`,
  );
  console.log(table(rows.map((row) => ({ ...row, expires: printedTime(row.expires) }))));
}
