import { env } from "cloudflare:workers";
import { sha256Hex } from "../../src/values/bytes.ts";

export interface GivenRole {
  /** `customer` unless told otherwise. */
  type?: string;
  scope: string;
  customer?: string;
  /** Microseconds. */
  expires?: number;
}

interface Given {
  uuid?: string;
  staff?: boolean;
  support?: boolean;
  active?: boolean;
  roles?: GivenRole[];
  /** Seconds. */
  lifetime?: number;
  /** Microseconds. */
  created?: number;
  expires?: number;
}

/** A new user with a token and roles: an ordinary one without any, unless told otherwise. */
export async function aPerson(given: Given = {}): Promise<{ uuid: string; token: string; hash: string }> {
  const token = crypto.randomUUID().replaceAll("-", "");
  const hash = await sha256Hex(token);
  const { uuid = crypto.randomUUID().replaceAll("-", ""), roles = [] } = given;
  const user = [uuid, `user-${uuid}`, given.staff ? 1 : 0, given.support ? 1 : 0, given.active === false ? 0 : 1];
  await env.DB.batch([
    env.DB.prepare("INSERT INTO users VALUES (?, ?, ?, ?, ?, ?)").bind(...user, given.lifetime ?? null),
    env.DB.prepare("INSERT INTO tokens (hash, user_uuid, created, expires) VALUES (?, ?, ?, ?)").bind(
      ...[hash, uuid, given.created ?? 0, given.expires ?? null],
    ),
    ...roles.map((role) => grant(uuid, role)),
  ]);
  return { uuid, token, hash };
}

/** A statement that grants a role. */
export const grant = (user: string, { type = "customer", scope, customer, expires }: GivenRole) =>
  env.DB.prepare("INSERT INTO roles VALUES (?, ?, ?, ?, ?, ?)").bind(
    ...[user, scope, type, `${type.toUpperCase()}.ROLE`, customer ?? null, expires ?? null],
  );
