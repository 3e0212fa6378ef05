import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import { aRefusingBucket } from "../cloud/r2.ts";
import { deliver } from "../support/batch.ts";
import { aFailingDatabase, hook } from "../support/ingest.ts";
import { aQueue, aRefusingQueue } from "../support/queue.ts";
import { request } from "../support/world.ts";

const SECRET = "the-secret-in-the-url";
const INGEST_SECRETS = JSON.stringify({ waldur: [SECRET] });

it("the secret in a URL is in no answer, no log and no row, whatever goes wrong", async () => {
  const spies = (["log", "warn", "error"] as const).map((level) => vi.spyOn(console, level).mockReturnValue());
  const { queue, bodies, notes } = aQueue();
  const post = (body: string, bindings = {}, path = `/ingest/waldur/${SECRET}`) =>
    request(
      path,
      { method: "POST", body, headers: { "Content-Type": "application/json" } },
      { INGEST_SECRETS, INGEST_QUEUE: queue, ...bindings },
    );
  const good = JSON.stringify(hook());
  const answers = [
    await post(good),
    await post("{"),
    await post("{}"),
    await post("x".repeat(2 ** 21)),
    await post(good, { INGEST_QUEUE: aRefusingQueue() }),
    await post(good, { INGEST_QUEUE: aRefusingQueue(), SPILL: aRefusingBucket() }),
    await post(good, { DB: aFailingDatabase("D1_ERROR: Network connection lost.").DB }),
    await post(good, { INGEST_SECRETS: "no JSON" }),
    await post(good, {}, `/ingest/waldur/${SECRET}/more`),
    await request(`/ingest/waldur/${SECRET}`, {}, { INGEST_SECRETS, INGEST_QUEUE: queue }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([202, 400, 400, 413, 202, 503, 503, 500, 404, 405]);
  await deliver([...bodies, ...notes]);
  const tables = await Promise.all(
    ["events", "dead_letters", "ingest_days", "ingest_rejections", "producers"].map((table) =>
      env.DB.prepare(`SELECT * FROM ${table}`).all(),
    ),
  );
  const objects = await Promise.all(
    (await env.SPILL.list()).objects.map(async ({ key }) => (await env.SPILL.get(key))?.text()),
  );
  const said = spies.flatMap((spy) => spy.mock.calls);
  expect(said.length).toBeGreaterThan(5);
  // The spilled request, and the mark that says so.
  expect(objects).toHaveLength(2);
  const everything = JSON.stringify([
    said,
    tables,
    objects,
    bodies,
    notes,
    await Promise.all(answers.map((answer) => answer.text())),
    answers.map(({ headers }) => [...headers]),
  ]);
  expect(everything).toContain("Project Õun");
  expect(everything).not.toContain(SECRET);
});

it.each([
  ["/ingest/waldur%2F", 401],
  ["/ingest/waldur%2f", 401],
  ["/ingest/waldur%252F", 401],
  ["/ingest/waldur//", 404],
  ["/ingest//waldur/", 404],
  ["//ingest/waldur/", 404],
  ["/ingest%2Fwaldur%2F", 404],
  ["/%69ngest/waldur/", 404],
  ["/INGEST/waldur/", 404],
  ["/ingest/waldur%2Freceipts/", 401],
])("%s before the secret is another path, whose answer does not repeat it", async (start, status) => {
  const spies = (["log", "warn", "error"] as const).map((level) => vi.spyOn(console, level).mockReturnValue());
  const { queue, bodies } = aQueue();
  const init = { method: "POST", body: JSON.stringify(hook()), headers: { "Content-Type": "application/json" } };
  const response = await request(`${start}${SECRET}`, init, { INGEST_SECRETS, INGEST_QUEUE: queue });
  expect(response.status).toBe(status);
  expect(bodies).toEqual([]);
  const said = spies.flatMap((spy) => spy.mock.calls);
  expect(JSON.stringify([said, [...response.headers], await response.text()])).not.toContain(SECRET);
});
