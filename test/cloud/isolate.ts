import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { vi } from "vitest";
import type { Env } from "../../src/env.ts";
import { bindings, ORIGIN } from "../support/world.ts";

/** An isolate of the Worker: its modules have a memory of their own. The Cache API is that of the data centre. */
export interface Isolate {
  get: (path: string, token: string, headers?: Record<string, string>, changed?: Partial<Env>) => Promise<Response>;
  /** Empties its memory, as when another isolate takes its place. */
  clear: () => void;
}

export async function anIsolate(): Promise<Isolate> {
  vi.resetModules();
  const [{ default: worker }, { clearCaches }] = await Promise.all([
    import("../../src/worker.ts"),
    import("../../src/http/cache.ts"),
  ]);
  const get: Isolate["get"] = async (path, token, headers = {}, changed = {}) => {
    const ctx = createExecutionContext();
    const request = new Request(`${ORIGIN}${path}`, { headers: { Authorization: `Token ${token}`, ...headers } });
    const response = await worker.fetch(request as Parameters<typeof worker.fetch>[0], bindings(changed), ctx);
    await waitOnExecutionContext(ctx);
    return response;
  };
  return { get, clear: clearCaches };
}

/**
 * Puts all isolates into another data centre, which has a Cache API of its own, until the end of the test or until
 * the next call.
 */
export function moveToDataCentre(name: string): void {
  vi.mocked(caches.open).mockRestore?.();
  const open = caches.open.bind(caches);
  vi.spyOn(caches, "open").mockImplementation((cache) => open(`${name} ${cache}`));
}
