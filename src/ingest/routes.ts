import type { Context, Hono } from "hono";
import type { App } from "../env.ts";
import { HttpError } from "../http/errors.ts";
import { type Attempt, networkOfClient, outcomeOf, refuseGuess } from "../http/limits.ts";
import { microsecondsNow } from "../values/time.ts";
import { acceptEvents } from "./accept.ts";
import { checkBacklog } from "./backlog.ts";
import { Body, readRaw } from "./body.ts";
import { settleUuids } from "./conflicts.ts";
import { assertAllowed } from "./producers/allowance.ts";
import { authenticate, bearerSecret } from "./producers/authenticate.ts";
import { spend } from "./producers/quota.ts";
import { isSigned } from "./producers/signature.ts";
import { enqueue } from "./queue/enqueue.ts";
import { packMessages } from "./queue/message.ts";
import { lookUpReceipt, makeReceipts } from "./receipts.ts";
import { reportRejection } from "./statistics/rejected.ts";

/**
 * `POST /ingest/{producer}` with a bearer secret or a signature, or `/ingest/{producer}/{secret}` from a producer that
 * cannot set headers; `GET /ingest/{producer}/receipts/{id}` with the same credentials.
 */
export function mountIngest(app: Hono<App>): void {
  app.all("/ingest/:producer", (c) => ingest(c, bearerSecret(c.req.header("Authorization"))));
  app.all("/ingest/:producer/:secret", (c) => ingest(c, c.req.param("secret")));
  app.all("/ingest/:producer/receipts/:id", receipt);
}

async function ingest(c: Context<App>, secret: string): Promise<Response> {
  const now = Date.now();
  // Not counted as a rejection: the producer may be one that somebody else pretends to be, and it would cost a query.
  refuseGuess(c, attemptOf(c, secret), now);
  try {
    return await acceptRequest(c, secret, now);
  } catch (error) {
    c.executionCtx.waitUntil(reportRejection(c.env, c.req.param("producer") ?? "", error, now));
    throw error;
  }
}

/** Raw body, if it is signed → verify → parse → check the producer's rules → make durable → 202. */
async function acceptRequest(c: Context<App>, secret: string, now: number): Promise<Response> {
  const { producer, body } = await senderOf(c, secret, now);
  const { raw: request } = c.req;
  if (c.req.method !== "POST") throw new HttpError(405, { detail: "Events are sent by POST." }, { Allow: "POST" });
  await checkBacklog(c.env.INGEST_QUEUE, producer, Number(c.env.INGEST_MAX_BACKLOG), now);
  // Random below the milliseconds of the clock, so that two requests differ, and two deliveries of one request do not.
  const receivedAt = microsecondsNow(now) + Math.floor(Math.random() * 1000);
  const sent = { producer, headers: request.headers, raw: body, body: new Body(request, body), receivedAt };
  const accepted = await acceptEvents(sent);
  await assertAllowed(c.env.DB, producer, accepted.events, now);
  const { events, ...settled } = await settleUuids(c.env.DB, producer, accepted.events);
  await spend(c.env.DB, producer, events.length, now);
  const warnings = [...accepted.warnings, ...settled.warnings];
  const later = (work: Promise<unknown>) => c.executionCtx.waitUntil(work);
  const { name, tellsPlaces, isUpstream } = producer;
  const messages = packMessages({ producer: name, receivedAt, tellsPlaces, isUpstream }, events);
  if (events.length > 0) await enqueue(c.env, { messages, producer: name, receivedAt }, later);
  const receipts = await makeReceipts(producer, events, receivedAt);
  const uuids = events.map((event) => event.uuid);
  return c.json({ accepted: events.length, uuids, receipts, ...(warnings.length > 0 ? { warnings } : {}) }, 202);
}

async function receipt(c: Context<App>): Promise<Response> {
  const now = Date.now();
  const secret = bearerSecret(c.req.header("Authorization"));
  refuseGuess(c, attemptOf(c, secret), now);
  const { producer } = await senderOf(c, secret, now);
  if (!["GET", "HEAD"].includes(c.req.method)) {
    throw new HttpError(405, { detail: "Receipts are read by GET." }, { Allow: "GET, HEAD" });
  }
  return c.json(await lookUpReceipt(c.env.DB, producer, c.req.param("id") ?? ""), 200, { "Cache-Control": "no-store" });
}

/** The producer that sends a request, and the raw body of a signed one. Throws 401. */
async function senderOf(c: Context<App>, secret: string, now: number) {
  const { raw: request } = c.req;
  return outcomeOf(c, attemptOf(c, secret), now, async () => {
    const body = isSigned(request.headers) ? await readRaw(request) : undefined;
    const presented = { secret, headers: request.headers, body: body ?? new Uint8Array() };
    return { producer: await authenticate(c.env, c.req.param("producer") ?? "", presented, now), body };
  });
}

/**
 * The secret of a request; for a signed one its producer and its address, because each signature is new. A service that
 * sends the web hooks of many customers does so from few addresses: when such an address is blocked, the producers that
 * were accepted from it lately go on.
 *
 * What remains possible: whoever shares such an address can make this Worker verify wrong signatures of those producers
 * while the address is blocked, and keeps out producers that send from it for the first time.
 */
function attemptOf(c: Context<App>, secret: string): Attempt {
  const producer = c.req.param("producer") ?? "";
  if (!isSigned(c.req.raw.headers)) return { key: JSON.stringify(["producer", producer, secret]) };
  return { key: JSON.stringify(["signer", producer, networkOfClient(c)]), isShared: true };
}
