import { and, eq, inArray, sql } from "drizzle-orm";
import { roles, users } from "../../auth/table.ts";
import { query } from "../d1.ts";
import { Failure } from "../failure.ts";
import { builder } from "../sql.ts";
import { isNamed, noUser } from "../users.ts";
import { command } from "./command.ts";
import { checkedRoleName, checkedScope, checkedUsername, checkedUuid, ifGiven } from "./options.ts";
import { printTabbed } from "./print.ts";
import { checkedTime, isoTime } from "./time.ts";

/** Options that name roles. */
const ROLE = { username: { type: "string" }, on: { type: "string" }, role: { type: "string" } } as const;

const grant = command({
  name: "role grant",
  usage: "--username NAME --on TYPE:UUID [--role ROLE] [--customer UUID] [--expires TIME]",
  help: `Grants a user a role on a customer, a project or another object. ROLE is Waldur's name, e.g. CUSTOMER.OWNER;
every name gives the same access. Default: TYPE.MEMBER. --customer is the customer of a project that no event has
named yet. Granting a role again changes when it expires.`,
  options: { ...ROLE, customer: { type: "string" }, expires: { type: "string" } },
  async run({ target, values }) {
    const username = checkedUsername("--username", values.username);
    const { scopeType, scope } = checkedScope("--on", values.on);
    const role = checkedRoleName("--role", values.role ?? `${scopeType.toUpperCase()}.MEMBER`);
    const customer = ifGiven("--customer", values.customer, checkedUuid) ?? null;
    const expires = ifGiven("--expires", values.expires, checkedTime) ?? null;
    // Raw SQL, because the builder's INSERT … SELECT must select every column of the table.
    const [granted] = await query(
      target,
      sql`INSERT INTO ${roles} (user_uuid, scope, scope_type, name, customer, expires)
        SELECT uuid, ${scope}, ${scopeType}, ${role}, ${customer}, ${expires} FROM ${users} WHERE ${isNamed(username)}
        ON CONFLICT (user_uuid, scope, name) DO UPDATE SET expires = excluded.expires,
          scope_type = excluded.scope_type, customer = coalesce(excluded.customer, customer)
        RETURNING name`,
    );
    if (granted === undefined) throw noUser(username);
    console.error(`${username} has ${role} on ${scopeType} ${scope}.`);
  },
});

const revoke = command({
  name: "role revoke",
  usage: "--username NAME --on TYPE:UUID [--role ROLE]",
  help: "Revokes the user's roles on the object, or only ROLE. The API applies the change within a minute.",
  options: ROLE,
  async run({ target, values }) {
    const username = checkedUsername("--username", values.username);
    const { scopeType, scope } = checkedScope("--on", values.on);
    const role = ifGiven("--role", values.role, checkedRoleName);
    const user = builder.select({ uuid: users.uuid }).from(users).where(isNamed(username));
    const revoked = await query(
      target,
      builder
        .delete(roles)
        .where(
          and(
            inArray(roles.userUuid, user),
            eq(roles.scope, scope),
            role === undefined ? undefined : eq(roles.name, role),
          ),
        )
        .returning({ name: roles.name }),
    );
    if (revoked.length === 0) throw new Failure(`${username} has no such role on ${scopeType} ${scope}.`);
    console.error(`${username} has lost ${revoked.map(({ name }) => name).join(", ")}.`);
  },
});

const list = command({
  name: "role list",
  usage: "[--username NAME]",
  help: "Lists the roles of a user, or of all users.",
  options: { username: ROLE.username },
  async run({ target, values }) {
    const username = ifGiven("--username", values.username, checkedUsername);
    const { scopeType, scope, name, expires } = roles;
    const rows = await query(
      target,
      builder
        .select({ username: users.username, scopeType, scope, name, expires })
        .from(roles)
        .innerJoin(users, eq(users.uuid, roles.userUuid))
        .where(username === undefined ? undefined : isNamed(username))
        .orderBy(users.username, scopeType, scope, name),
    );
    printTabbed(rows.map((row) => ({ ...row, expires: isoTime(row.expires) })));
  },
});

export const roleCommands = [grant, revoke, list];
