import { describe, expect, it } from "vitest";
import { openApiDocument } from "../../src/openapi.ts";
import { aRefusingBucket } from "../cloud/r2.ts";
import { ROUTES as READING } from "../interop/openapi-requests.ts";
import { aFailingDatabase, hook } from "../support/ingest.ts";
import { aRefusingQueue } from "../support/queue.ts";
import { aRate } from "../support/rate.ts";
import { StandInWaldur } from "../support/waldur.ts";
import { request } from "../support/world.ts";

// The other statuses of /openapi.json are those of a server that runs: test/interop/openapi.test.ts.

interface Answer {
  $ref?: string;
  headers?: Record<string, unknown>;
  content?: Record<string, { schema: unknown }>;
}
interface Document {
  paths: Record<string, Record<string, { responses: Record<string, Answer> }>>;
  components: { responses: Record<string, Answer> };
}

/** On every response, about which the document is silent. */
const SECURITY = [
  ...["access-control-allow-origin", "access-control-expose-headers", "content-length", "content-type"],
  ...["content-security-policy", "referrer-policy", "strict-transport-security", "x-content-type-options"],
];

const RECEIPT = ["/ingest/{producer}/receipts/{id}", "/ingest/waldur/receipts/1"] as const;
const METRICS = ["/metrics", "/metrics"] as const;
const READY = ["/readyz", "/readyz"] as const;
const SENDING = [
  ["/ingest/{producer}", "/ingest/waldur"],
  ["/ingest/{producer}/{secret}", "/ingest/waldur/waldur-secret"],
] as const;

function documented(route: string, method: string, status: number): Answer | undefined {
  const document = JSON.parse(JSON.stringify(openApiDocument())) as Document;
  const answer = document.paths[route]?.[method.toLowerCase()]?.responses[status];
  return document.components.responses[answer?.$ref?.split("/").at(-1) ?? ""] ?? answer;
}

async function expectDocumented(response: Response, route: string, method: string, status: number) {
  expect(response.status).toBe(status);
  const answer = documented(route, method, status);
  const names = Object.keys(answer?.headers ?? {}).map((name) => name.toLowerCase());
  for (const name of response.headers.keys()) expect([...names, ...SECURITY]).toContain(name);
  expect(response.headers.has("Retry-After")).toBe(true);
  expect(names).toContain("retry-after");
  if (method === "HEAD") return expect(answer).not.toHaveProperty("content");
  expect(answer?.content?.["application/json"]?.schema).toEqual({ $ref: "#/components/schemas/Detail" });
  expect(await response.json()).toEqual({ detail: expect.any(String) });
}

describe("the document has the 429 of an address with too many requests,", () => {
  const bindings = () => ({ ADDRESS_RATE: aRate(0).rate, ADDRESS_LIMIT: 0 });
  const headers = { "CF-Connecting-IP": "192.0.2.1" };

  it.each([...READING, RECEIPT, METRICS, READY])("with its headers: %s", async (route, path) => {
    for (const method of ["GET", "HEAD"]) {
      await expectDocumented(await request(path, { method, headers }, bindings()), route, method, 429);
    }
  });

  it.each(SENDING)("with its headers: %s", async (route, path) => {
    await expectDocumented(await request(path, { method: "POST", headers }, bindings()), route, "POST", 429);
  });
});

describe("the document has the 503 of", () => {
  it.each(READING)("a Waldur that does not answer: %s", async (route, path) => {
    const waldur = new StandInWaldur();
    waldur.behaviour = "down";
    for (const method of ["GET", "HEAD"]) {
      const init = { method, headers: { Authorization: "Token key" } };
      await expectDocumented(await request(path, init, waldur.bindings), route, method, 503);
    }
  });

  it.each(SENDING)("a queue and a bucket that refuse: %s", async (route, path) => {
    const headers = { Authorization: "Bearer waldur-secret", "Content-Type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify(hook()) };
    const bindings = { INGEST_QUEUE: aRefusingQueue(), SPILL: aRefusingBucket() };
    await expectDocumented(await request(path, init, bindings), route, "POST", 503);
  });

  it("a database that does not answer who is staff: the metrics", async () => {
    const [route, path] = METRICS;
    for (const method of ["GET", "HEAD"]) {
      const init = { method, headers: { Authorization: "Token of-somebody" } };
      const response = await request(path, init, { DB: aFailingDatabase("D1_ERROR: Network connection lost.").DB });
      await expectDocumented(response, route, method, 503);
    }
  });

  it("a database that does not answer who a producer is: a receipt", async () => {
    const [route, path] = RECEIPT;
    for (const method of ["GET", "HEAD"]) {
      const init = { method, headers: { Authorization: "Bearer waldur-secret" } };
      const response = await request(path, init, { DB: aFailingDatabase("D1_ERROR: Network connection lost.").DB });
      await expectDocumented(response, route, method, 503);
    }
  });
});
