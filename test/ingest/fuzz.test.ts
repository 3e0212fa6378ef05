import fc from "fast-check";
import { expect, it } from "vitest";
import { hook, push } from "../support/ingest.ts";

const RUNS = 2_500;
const BODIES_IN_RUN = 4;
const SEED = 20_261_123;

const TYPES = [
  "application/json",
  "application/x-ndjson",
  "application/x-www-form-urlencoded",
  "application/cloudevents+json",
  "application/cloudevents-batch+json",
  "text/plain",
];
const STATUSES = [202, 400, 409, 413, 415];

const cloudEvent = fc.record(
  {
    specversion: fc.constantFrom("1.0", "0.3", 1),
    id: fc.string(),
    source: fc.string(),
    type: fc.string(),
    time: fc.anything(),
    data: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
const ours = fc.record(
  {
    event_type: fc.oneof(fc.string(), fc.anything()),
    message: fc.oneof(fc.string(), fc.anything()),
    created: fc.oneof(
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      fc.string(),
    ),
    context: fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue()),
    uuid: fc.oneof(fc.uuid(), fc.string()),
  },
  { requiredKeys: [] },
);
const asJson = (value: unknown): string =>
  JSON.stringify(value, (_, item) => (typeof item === "bigint" ? String(item) : item)) ?? "";
const valid = fc.record({
  event_type: fc.stringMatching(/^[a-z]{1,9}$/),
  message: fc.string({ minLength: 1 }),
  context: fc.dictionary(fc.string(), fc.jsonValue()),
});
const nearlyValid = fc
  .oneof(
    fc.constant(hook()),
    valid,

    ours,
    cloudEvent,
    fc.array(ours, { maxLength: 4 }),
    fc.array(cloudEvent, { maxLength: 4 }),
  )
  .map(asJson);
const broken = fc
  .tuple(nearlyValid, fc.nat(), fc.string())
  .map(([text, at, more]) => text.slice(0, at % (text.length + 1)) + more);
const texts = fc.oneof(
  { arbitrary: nearlyValid, weight: 5 },
  { arbitrary: fc.oneof(broken, fc.json(), fc.string({ unit: "binary" }), fc.webQueryParameters()), weight: 4 },
);
const bytes = fc.oneof(
  { arbitrary: texts.map((text) => new TextEncoder().encode(text)), weight: 9 },
  { arbitrary: fc.uint8Array({ maxLength: 200 }), weight: 1 },
);
const headers = fc
  .record(
    {
      "Content-Type": fc.oneof(
        { arbitrary: fc.constantFrom(...TYPES), weight: 9 },
        { arbitrary: fc.stringMatching(/^[!-~]{0,20}$/), weight: 1 },
      ),
      "Content-Encoding": fc.constantFrom("gzip", "identity", "br", ""),
      "ce-specversion": fc.constantFrom("1.0", "", "%"),
      "ce-id": fc.stringMatching(/^[!-~]{0,10}$/),
      "ce-source": fc.stringMatching(/^[!-~]{0,10}$/),
      "ce-type": fc.stringMatching(/^[!-~]{0,10}$/),
      "webhook-id": fc.stringMatching(/^[!-~]{0,10}$/),
      "webhook-signature": fc.stringMatching(/^v1,[!-~]{0,50}$/),
      "X-Hub-Signature-256": fc.stringMatching(/^sha256=[!-~]{0,64}$/),
      "Idempotency-Key": fc.stringMatching(/^[!-~]{0,300}$/),
    },
    { requiredKeys: ["Content-Type"] },
  )
  // Most requests have a content type only, so that most bodies are read.
  .chain((all) => {
    const [type, ...others] = Object.entries(all);
    const some = fc.oneof({ arbitrary: fc.constant([]), weight: 3 }, { arbitrary: fc.subarray(others), weight: 1 });
    return some.map((chosen) => Object.fromEntries([...(type ? [type] : []), ...chosen]));
  });

it(`the webhook answers ${RUNS * BODIES_IN_RUN} random bodies in every format with a documented status, and says what was wrong`, async () => {
  // Reads the producers; the others remember them.
  expect((await push(hook())).status).toBe(202);
  const changed = { PRODUCER_CACHE_SECONDS: "3600" };
  const seen = new Map<number, number>();
  const requests = fc.array(fc.tuple(bytes, headers), { minLength: BODIES_IN_RUN, maxLength: BODIES_IN_RUN });
  const property = fc.asyncProperty(requests, async (all) => {
    const answers = await Promise.all(all.map(([body, more]) => push("", { body, headers: more, changed })));
    for (const answer of answers) {
      seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
      expect(STATUSES).toContain(answer.status);
      const told = await answer.json<Record<string, unknown>>();
      expect(answer.status === 202 ? told.accepted : told.detail).toBeDefined();
    }
  });
  await fc.assert(property, { seed: SEED, numRuns: RUNS });
  for (const status of [202, 400, 415]) expect(seen.get(status)).toBeGreaterThan(100);
  console.log(`fuzz: ${[...seen].map(([status, count]) => `${count} × ${status}`).join(", ")}`);
});
