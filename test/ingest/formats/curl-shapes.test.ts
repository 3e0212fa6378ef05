import { describe, expect, it } from "vitest";
import { deliver } from "../../support/batch.ts";
import { hook, rows } from "../../support/ingest.ts";
import { aQueue } from "../../support/queue.ts";
import { request } from "../../support/world.ts";

const FORM = { "Content-Type": "application/x-www-form-urlencoded" };
const JSON_TYPE = { "Content-Type": "application/json" };

/** Posts a body as `waldur`; delivers what it comes to. */
async function post(path: string, body: string, headers: Record<string, string>) {
  const { queue, bodies } = aQueue();
  const response = await request(path, { method: "POST", body, headers }, { INGEST_QUEUE: queue });
  await deliver(bodies);
  return { status: response.status, location: response.headers.get("Location"), answer: await response.json() };
}

const bearer = { Authorization: "Bearer waldur-secret" };

describe("JSON that curl -d sends as a form", () => {
  it.each([
    ["an event", JSON.stringify(hook())],
    ["a list of events", JSON.stringify([hook()])],
    ["an event after spaces", `\n  ${JSON.stringify(hook())}`],
    ["an event with the characters of a form", JSON.stringify(hook({ message: "a=b&event_type=c&message=d" }))],
    ["JSON that is cut off", '{"event_type":"a"'],
  ])("is refused with the type that it needs: %s", async (_, body) => {
    const { status, answer } = await post("/ingest/waldur", body, { ...bearer, ...FORM });
    expect([status, answer]).toEqual([
      400,
      { detail: "This looks like JSON; send the header Content-Type: application/json." },
    ]);
  });

  it("is no reason to refuse a form whose values are JSON", async () => {
    const body = "event_type=t&message={}&context=[]";
    expect((await post("/ingest/waldur", body, { ...bearer, ...FORM })).status).toBe(202);
  });
});

describe("a slash after the URL of a producer", () => {
  const body = JSON.stringify(hook());

  it.each([
    ["the secret in a header", "/ingest/waldur/", bearer],
    ["the secret in the URL", "/ingest/waldur/waldur-secret/", {}],
  ])("changes nothing, with %s, and sends no secret back", async (_, path, headers) => {
    const slashed = await post(path, body, { ...JSON_TYPE, ...headers });
    const plain = await post(path.slice(0, -1), body, { ...JSON_TYPE, ...headers });
    expect([slashed.status, slashed.location]).toEqual([202, null]);
    expect(slashed.answer).toMatchObject({ uuids: (plain.answer as { uuids: string[] }).uuids });
    expect(await rows("events")).toHaveLength(1);
  });

  it("changes nothing for a receipt", async () => {
    const { answer } = await post("/ingest/waldur", body, { ...bearer, ...JSON_TYPE });
    const [receipt] = (answer as { receipts: string[] }).receipts;
    const response = await request(`/ingest/waldur/receipts/${receipt}/`, { headers: bearer });
    expect([response.status, await response.json()]).toMatchObject([200, { status: "stored" }]);
  });

  it.each([
    ["two of them", "/ingest/waldur//", 404],
    ["two of them after the secret", "/ingest/waldur/waldur-secret//", 404],
    ["one before the producer", "/ingest//waldur", 404],
    ["an encoded one is part of the name", "/ingest/waldur%2F", 401],
    ["an encoded one is part of the secret", "/ingest/waldur/waldur-secret%2F", 401],
    ["without a producer", "/ingest/", 404],
  ])("is one slash: %s", async (_, path, status) => {
    expect((await post(path, body, { ...JSON_TYPE, ...bearer })).status).toBe(status);
  });
});
