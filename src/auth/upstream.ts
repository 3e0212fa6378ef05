import type { Env } from "../env.ts";
import type { Credentials } from "./principal.ts";

/** Milliseconds that Waldur has to answer. */
export const UPSTREAM_DEADLINE_MS = 2_000;

/** Waldur did not answer in time, or gave an answer that cannot be understood. The message has no secrets. */
export class Unreachable extends Error {}

/** Calls under way, by key, with the time (milliseconds) at which each ends at the latest. */
const underway = new Map<string, { call: Promise<unknown>; until: number }>();

/**
 * Sends one GET to Waldur on behalf of the caller. Callers with the same key share a call. It goes on when the first
 * caller is gone, because others may wait for it, and nobody waits longer than the deadline.
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

/** A key identifies one caller and one path, and so one type of result. */
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
  const request = new Request(addressOf(env, path), {
    headers: { Authorization: header, Accept: "application/json" },
    redirect: "manual",
    signal: AbortSignal.timeout(UPSTREAM_DEADLINE_MS),
  });
  return (env.WALDUR ?? globalThis).fetch(request).catch(asUnreachable);
}

/** Throws an error of fixed text: the platform's would quote WALDUR_URL, which may have credentials. */
function addressOf(env: Env, path: string): URL {
  const address = URL.parse(`${env.WALDUR_URL?.replace(/(^|[^/])\/+$/, "$1")}${path}`);
  if (address === null) throw new Error("WALDUR_URL is not a valid URL.");
  return address;
}

async function deadline(): Promise<never> {
  await scheduler.wait(UPSTREAM_DEADLINE_MS);
  throw new Unreachable("no answer in time");
}

function asUnreachable(error: unknown): never {
  throw error instanceof Unreachable ? error : new Unreachable(error instanceof Error ? error.name : "error");
}
