import type { Context, MiddlewareHandler } from "hono";
import type { App } from "../env.ts";
import { limitToken, outcomeOf, refuseGuess } from "../http/limits.ts";
import { continueSession } from "../http/session.ts";
import { parseUuid } from "../values/uuid.ts";
import { type Actor, seesEverything, type UserLookup } from "./actor.ts";
import { readToken, waldurHeader } from "./credentials.ts";
import { identifyLocally } from "./local.ts";
import { type Credentials, IDENTITY_CACHE_MS, type Principal } from "./principal.ts";
import { identifyByWaldur } from "./waldur.ts";

declare module "hono" {
  interface ContextVariableMap {
    /** Only routes with this middleware may read it. */
    actor: Actor;
    /** Stands for the client's token, and is not the token. */
    client: string;
    lookUpUser: UserLookup;
    /** Sets `actor` and `lookUpUser` anew, in an answer that goes on for long; throws what `authenticate` throws. */
    renewActor: () => Promise<void>;
  }
}

/** Sets `actor` and `lookUpUser`, or throws 401 with the text that the contract gives for these credentials. */
export const authenticate: MiddlewareHandler<App> = async (c, next) => {
  const now = Date.now();
  const credentials = credentialsOf(c, now, IDENTITY_CACHE_MS);
  const attempt = { key: JSON.stringify(["user", credentials.header]) };
  refuseGuess(c, attempt, now);
  const { actor, lookUpUser, key } = await outcomeOf(c, attempt, now, () => identify(c, credentials));
  await limitToken(c, key);
  c.set("actor", actor);
  c.set("client", key);
  c.set("lookUpUser", lookUpUser);
  c.set("renewActor", () => renewActor(c));
  continueSession(c, { key, mayName: seesEverything(actor) });
  if (actor.impersonator !== undefined) c.header("X-impersonator-uuid", actor.impersonator);
  await next();
};

/**
 * Milliseconds that an identity may be old in an answer that goes on. Less than in other requests: 25 s may pass until the
 * next look, and a revocation still takes effect within IDENTITY_CACHE_MS.
 */
const RENEWED_CACHE_MS = IDENTITY_CACHE_MS - 25_000;

async function renewActor(c: Context<App>): Promise<void> {
  const { actor, lookUpUser } = await identify(c, credentialsOf(c, Date.now(), RENEWED_CACHE_MS));
  c.set("actor", actor);
  c.set("lookUpUser", lookUpUser);
}

async function identify(c: Context<App>, credentials: Credentials): Promise<Principal> {
  const mode = c.env.AUTH ?? "local";
  if (mode === "local") return identifyLocally(c.get("reader").primary, credentials);
  if (mode === "waldur") return identifyByWaldur(c.env, credentials);
  throw new Error("AUTH must be local or waldur.");
}

function credentialsOf(c: Context<App>, now: number, maxAge: number): Credentials {
  const header = c.req.header("Authorization");
  const token = readToken(header);
  return {
    token,
    header: waldurHeader(header, token),
    impersonated: impersonatedUser(c.req.header("X-Impersonated-User-Uuid")),
    now,
    maxAge,
    request: c.get("requestId"),
    defer: (work) => c.executionCtx.waitUntil(work),
  };
}

/** 32 hex digits; a header that is not a UUID is ignored, as in Waldur. */
const impersonatedUser = (header: string | undefined): string | undefined => parseUuid(header?.trim() ?? "");
