import { Hono } from "hono";
import { requestId } from "hono/request-id";
import { audit } from "./auth/audit.ts";
import { mountCatalogue } from "./catalogue/routes.ts";
import type { App } from "./env.ts";
import { mountEvents } from "./events/routes.ts";
import { listAfter, mountFeed } from "./feed/routes.ts";
import { cors } from "./http/cors.ts";
import { errorResponse, notFound } from "./http/errors.ts";
import { mountHealth } from "./http/health.ts";
import { limits } from "./http/limits.ts";
import { routedPath } from "./http/path.ts";
import { securityHeaders } from "./http/security.ts";
import { session } from "./http/session.ts";
import { mountIngest } from "./ingest/routes.ts";
import { mountOpenApi } from "./openapi.ts";
import { mountOperations } from "./operations/routes.ts";

/** The URL map. */
export function createApp(): Hono<App> {
  const app = new Hono<App>({ getPath: routedPath });
  app.use(requestId(), securityHeaders);
  app.use("/api/*", cors);
  app.use("/openapi.json", cors);
  app.use(limits);
  app.use("/api/*", audit);
  app.use("/api/*", session);
  mountHealth(app);
  mountOpenApi(app);
  mountCatalogue(app);
  mountFeed(app);
  mountEvents(app, { listAfter });
  mountIngest(app);
  mountOperations(app);
  // Not thrown: Hono would leave out what the middleware above adds to an answer.
  app.notFound((c) => errorResponse(notFound(), c));
  app.onError(errorResponse);
  return app;
}
