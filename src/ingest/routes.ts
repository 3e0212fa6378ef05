import type { Context, Hono } from "hono";
import type { App } from "../env.ts";
import { microsecondsNow } from "../events/time.ts";
import { HttpError } from "../http/errors.ts";
import { acceptEvents } from "./accept.ts";
import { readBody } from "./body.ts";
import { enqueue } from "./enqueue.ts";
import { bearerSecret, verifySecret } from "./verify.ts";

/** `POST /ingest/{producer}` with a bearer secret, and `/ingest/{producer}/{secret}` for those who cannot set headers. */
export function mountIngest(app: Hono<App>): void {
  app.all("/ingest/:producer", (c) => ingest(c, bearerSecret(c.req.header("Authorization"))));
  app.all("/ingest/:producer/:secret", (c) => ingest(c, c.req.param("secret")));
}

async function ingest(c: Context<App>, secret: string): Promise<Response> {
  const producer = c.req.param("producer") ?? "";
  await verifySecret(c.env.INGEST_SECRETS, producer, secret);
  if (c.req.method !== "POST") throw new HttpError(405, { detail: "Events are sent by POST." }, { Allow: "POST" });
  const receivedAt = microsecondsNow();
  const events = await acceptEvents(c.req.header("Content-Type"), await readBody(c.req.raw), receivedAt);
  await enqueue(c.env.INGEST_QUEUE, { producer, receivedAt }, events);
  return c.json({ accepted: events.length, uuids: events.map((event) => event.uuid) }, 202);
}
