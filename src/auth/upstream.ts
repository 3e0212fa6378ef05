import type { Env } from "../env.ts";
import type { Credentials } from "./principal.ts";

/** Milliseconds Waldur has for its answer. */
export const UPSTREAM_DEADLINE_MS = 2_000;

/** Waldur said nothing, too late, or nothing that can be understood. The message holds no secrets. */
export class Unreachable extends Error {}

/** Calls that are on their way, by key, and when (milliseconds) each is over at the latest. */
const underway = new Map<string, { call: Promise<unknown>; until: number }>();

/**
 * One GET to Waldur in the name of the caller, shared by all who ask for the same key meanwhile. It goes on when the
 * request that began it is gone, as others may wait for it; and nobody waits longer than the deadline.
 */
export async function askWaldur<T>(
  key: string,
  env: Env,
  { header, defer, now }: Pick<Credentials, "header" | "defer" | "now">,
  path: string,
  read: (response: Response) => Promise<T>,
): Promise<T> {
  const shared = underway.get(key);
  if (shared !== undefined && now < shared.until) return Promise.race([ofSameKey<T>(shared.call), deadline()]);
  const call = Promise.race([get(env, header, path).then((response) => readAll(response, read)), deadline()]);
  underway.set(key, { call, until: now + UPSTREAM_DEADLINE_MS });
  const settled = () => {
    if (underway.get(key)?.call === call) underway.delete(key);
  };
  defer(call.then(settled, settled));
  return call;
}

/** A key stands for one caller and one path, and so for one kind of result. */
const ofSameKey = <T>(shared: Promise<unknown>): Promise<T> => shared as Promise<T>;

async function readAll<T>(response: Response, read: (response: Response) => Promise<T>): Promise<T> {
  try {
    return await read(response);
  } catch (error) {
    return asUnreachable(error);
  } finally {
    if (!response.bodyUsed) await response.body?.cancel();
  }
}

async function get(env: Env, header: string, path: string): Promise<Response> {
  const request = new Request(`${env.WALDUR_URL?.replace(/\/+$/, "")}${path}`, {
    headers: { Authorization: header, Accept: "application/json" },
    redirect: "manual",
    signal: AbortSignal.timeout(UPSTREAM_DEADLINE_MS),
  });
  return (env.WALDUR ?? globalThis).fetch(request).catch(asUnreachable);
}

async function deadline(): Promise<never> {
  await scheduler.wait(UPSTREAM_DEADLINE_MS);
  throw new Unreachable("no answer in time");
}

function asUnreachable(error: unknown): never {
  throw error instanceof Unreachable ? error : new Unreachable(error instanceof Error ? error.name : "error");
}
