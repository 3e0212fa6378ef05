import { sql } from "drizzle-orm";
import { users } from "../../auth/table.ts";
import { query } from "../d1.ts";
import { Failure, WRONG_USAGE } from "../failure.ts";
import { builder } from "../sql.ts";
import { insertUser, isNamed, newUuid, noUser } from "../users.ts";
import { command } from "./command.ts";
import { checkedLifetime, checkedUsername, checkedUuid, checkedYesNo, ifGiven } from "./options.ts";
import { printTabbed } from "./print.ts";

const create = command({
  name: "user create",
  usage: "--username NAME [--staff] [--support] [--uuid UUID] [--token-lifetime SECONDS]",
  help: `Creates a user and prints the UUID. --uuid sets it, e.g. to the user's UUID in Waldur.
With --token-lifetime, a token expires this many seconds after its last use, as in Waldur.`,
  options: {
    username: { type: "string" },
    uuid: { type: "string" },
    staff: { type: "boolean", default: false },
    support: { type: "boolean", default: false },
    "token-lifetime": { type: "string", default: "none" },
  },
  async run({ target, values }) {
    const username = checkedUsername("--username", values.username);
    const uuid = ifGiven("--uuid", values.uuid, checkedUuid) ?? newUuid();
    const lifetime = checkedLifetime("--token-lifetime", values["token-lifetime"]);
    const user = { username, isStaff: values.staff, isSupport: values.support };
    const [created] = await query(target, insertUser(user, uuid, lifetime));
    if (created === undefined) {
      throw new Failure(`There is already a user with the name ${username} or the UUID ${uuid}. Nothing was changed.`);
    }
    console.log(uuid);
  },
});

const change = command({
  name: "user change",
  usage: `--username NAME [--staff yes|no] [--support yes|no] [--active yes|no]
    [--token-lifetime SECONDS|none]`,
  help: "Changes the given properties of a user. The API applies the change within a minute.",
  options: {
    username: { type: "string" },
    staff: { type: "string" },
    support: { type: "string" },
    active: { type: "string" },
    "token-lifetime": { type: "string" },
  },
  async run({ target, values }) {
    const username = checkedUsername("--username", values.username);
    const changes = {
      isStaff: ifGiven("--staff", values.staff, checkedYesNo),
      isSupport: ifGiven("--support", values.support, checkedYesNo),
      isActive: ifGiven("--active", values.active, checkedYesNo),
      tokenLifetime: ifGiven("--token-lifetime", values["token-lifetime"], checkedLifetime),
    };
    if (Object.values(changes).every((value) => value === undefined)) {
      throw new Failure("Give at least one of --staff, --support, --active and --token-lifetime.", WRONG_USAGE);
    }
    const update = builder.update(users).set(changes).where(isNamed(username)).returning({ uuid: users.uuid });
    const [changed] = await query(target, update);
    if (changed === undefined) throw noUser(username);
    console.error(`${username} was changed.`);
  },
});

const list = command({
  name: "user list",
  usage: "",
  help: "Lists all users with the numbers of their tokens and roles.",
  options: {},
  async run({ target }) {
    const rows = await query(
      target,
      sql`SELECT username, uuid, is_staff AS staff, is_support AS support, is_active AS active,
          token_lifetime AS lifetime,
          (SELECT count(*) FROM tokens WHERE user_uuid = users.uuid) AS tokens,
          (SELECT count(*) FROM roles WHERE user_uuid = users.uuid) AS roles
        FROM users ORDER BY username`,
    );
    printTabbed(rows);
  },
});

export const userCommands = [create, change, list];
