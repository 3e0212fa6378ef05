import type { MiddlewareHandler } from "hono";
import type { App } from "../env.ts";
import { notAuthenticated } from "../http/errors.ts";
import { readToken } from "./credentials.ts";
import { findTokenUser } from "./tokens.ts";

/** Sets `actor`, or throws the 401 that the contract gives for what is wrong with the credentials. */
export const authenticate: MiddlewareHandler<App> = async (c, next) => {
  const user = await findTokenUser(c.get("reader"), readToken(c.req.header("Authorization")));
  if (user === undefined) throw notAuthenticated("Invalid token.");
  if (!user.isActive) throw notAuthenticated("User inactive or deleted.");
  c.set("actor", { uuid: user.uuid, isStaff: user.isStaff, isSupport: user.isSupport });
  await next();
};
