import type { Hono } from "hono";
import type { App } from "../env.ts";

/** `GET /healthz`: 200 when the Worker runs and its database answers. Public. */
export function mountHealth(app: Hono<App>): void {
  app.get("/healthz", async (c) => {
    await c.env.DB.prepare("SELECT 1").run();
    return c.json({ status: "ok" }, 200, { "Cache-Control": "no-store" });
  });
}
