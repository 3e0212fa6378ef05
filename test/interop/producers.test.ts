import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { CloudEvent, emitterFor, HTTP, httpTransport, Mode } from "cloudevents";
import { Webhook } from "standardwebhooks";
import { type EmptyServer, startEmptyServer } from "../end-to-end/empty-server.ts";
import { consumed } from "../end-to-end/journal.ts";

const STAFF_TOKEN = `eev_${"6".repeat(40)}`;
const INGEST_SECRET = "secret-of-the-producers-test";
const BEARER = { Authorization: `Bearer ${INGEST_SECRET}` };
const HANGING = { timeout: 120_000 };
const curl = promisify(execFile);

interface Listed {
  uuid: string;
  created: string;
  event_type: string;
  message: string;
  context: unknown;
}

let database: EmptyServer["database"];
let server: EmptyServer["server"];
let remove: EmptyServer["remove"] | undefined;
let signingSecret: string;

before(async () => {
  ({ server, database, remove } = await startEmptyServer({ STAFF_TOKEN, INGEST_SECRET }));
  const { stdout } = await database.admin("producers", "add", "signer", "--auth", "standard-webhooks");
  signingSecret = stdout.trim();
});

after(() => remove?.());

const local = () => `${server.url}/ingest/local`;

/** The events of a type, newest first. */
async function listed(type: string): Promise<Listed[]> {
  await consumed(database.target.stateDir);
  const headers = { Authorization: `Token ${STAFF_TOKEN}` };
  const response = await fetch(`${server.url}/api/events/?${new URLSearchParams({ event_type: type })}`, { headers });
  assert.equal(response.status, 200);
  return (await response.json()) as Listed[];
}

describe("the package cloudevents", HANGING, () => {
  const event = (id: string, type: string) =>
    new CloudEvent({
      ...{ id, type, source: "/crm/Tallinn", time: "2026-11-25T12:00:00.123Z" },
      ...{ subject: encodeURIComponent("Ada Õ 100% €"), traceparent: "00-1" },
      data: { user_username: "ada", list: [1, "õ"] },
    });

  for (const [name, mode, message] of [
    ["binary", Mode.BINARY, "Ada Õ 100% €"],
    // In JSON, nothing is decoded.
    ["structured", Mode.STRUCTURED, encodeURIComponent("Ada Õ 100% €")],
  ] as const) {
    it(`sends an event in ${name} mode, by its own transport`, async () => {
      const type = `crm.${name}`;
      const emit = emitterFor(httpTransport(local()), { mode });
      const sent = (await emit(event(name, type), { headers: BEARER })) as { body: string };
      const { accepted, uuids, warnings } = JSON.parse(sent.body);
      const [stored, ...others] = await listed(type);
      assert.deepEqual([accepted, others], [1, []]);
      assert.deepEqual(warnings, ['These fields are not part of an event and were not kept: "traceparent".']);
      assert.deepEqual(stored, {
        ...{ uuid: uuids[0], created: "2026-11-25T12:00:00.123000Z", event_type: type, message },
        context: { user_username: "ada", list: [1, "õ"] },
      });
    });
  }

  it("sends one event in both modes, and it is stored once", async () => {
    const sent = event("2", "crm.both").cloneWith({ subject: "Ada" });
    for (const message of [HTTP.binary(sent), HTTP.structured(sent)]) {
      const headers = { ...BEARER, ...(message.headers as Record<string, string>) };
      const response = await fetch(local(), { method: "POST", headers, body: String(message.body) });
      assert.equal(response.status, 202, await response.text());
    }
    assert.equal((await listed("crm.both")).length, 1);
  });
});

describe("the package standardwebhooks", HANGING, () => {
  const payload = (type: string) =>
    JSON.stringify({ type, timestamp: "2026-11-25T12:00:00Z", data: { message: "Ada is active.", user: "ada" } });

  async function send(body: string, id: string, secret: string, signed = body) {
    const now = new Date();
    const headers = {
      "Content-Type": "application/json",
      ...{ "webhook-id": id, "webhook-timestamp": String(Math.floor(now.getTime() / 1000)) },
      "webhook-signature": new Webhook(secret).sign(id, now, signed),
    };
    return (await fetch(`${server.url}/ingest/signer/`, { method: "POST", headers, body })).status;
  }

  it("signs a message, which is stored once however often it is sent", async () => {
    const body = payload("user.activated");
    assert.deepEqual([await send(body, "msg_1", signingSecret), await send(body, "msg_1", signingSecret)], [202, 202]);
    const [stored, ...others] = await listed("user.activated");
    assert.deepEqual([stored?.created, stored?.message, others], ["2026-11-25T12:00:00Z", "Ada is active.", []]);
    assert.deepEqual(stored?.context, { user: "ada" });
  });

  it("does not get in with another secret, nor with another body", async () => {
    const body = payload("user.forged");
    assert.equal(await send(body, "msg_2", `whsec_${Buffer.alloc(32, 7).toString("base64")}`), 401);
    assert.equal(await send(body, "msg_2", signingSecret, payload("user.other")), 401);
    assert.deepEqual(await listed("user.forged"), []);
  });
});

describe("curl", HANGING, () => {
  const event = (type: string) => JSON.stringify({ event_type: type, message: 'Õ "1" & {2}=3', context: { a: "%41" } });

  /** Runs curl, with the credentials as a header; its output, as JSON. */
  async function posted(...args: string[]) {
    const { stdout } = await curl("curl", ["-sS", "-H", `Authorization: Bearer ${INGEST_SECRET}`, ...args]);
    return JSON.parse(stdout);
  }

  it("sends JSON, by --json and by -d with the type", async () => {
    assert.equal((await posted("--json", event("curl.json"), local())).accepted, 1);
    assert.equal((await posted("-H", "Content-Type: application/json", "-d", event("curl.d"), local())).accepted, 1);
    for (const type of ["curl.json", "curl.d"]) assert.equal((await listed(type))[0]?.message, 'Õ "1" & {2}=3');
  });

  it("that sends JSON as a form is told what to do, and what it is told works", async () => {
    const { detail } = await posted("-d", event("curl.form"), local());
    const header = /Content-Type: [a-z/]+/.exec(detail)?.[0] ?? "no header";
    assert.equal((await posted("-H", header, "-d", event("curl.form"), local())).accepted, 1);
  });

  it("sends a form", async () => {
    const fields = ["event_type=curl.urlencode", "message=Õ & {1}", "context=user_username"];
    await posted(...fields.flatMap((field) => ["--data-urlencode", field]), local());
    assert.deepEqual((await listed("curl.urlencode"))[0]?.context, { user_username: null });
  });

  it("sends to a URL with a slash at its end, with the secret in it, and follows nothing", async () => {
    const { stdout } = await curl("curl", [
      ...["-sS", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", "--json", event("curl.slash")],
      `${local()}/${INGEST_SECRET}/`,
    ]);
    assert.equal(stdout, "202 ");
    assert.equal((await listed("curl.slash")).length, 1);
  });

  it("sends a CloudEvent in headers, percent-encoded and quoted", async () => {
    const attributes = [
      "specversion: 1.0",
      "id: 1",
      "source: /curl",
      "type: curl.binary",
      'subject: "%C3%95un \\"1\\""',
    ];
    await posted(...attributes.flatMap((attribute) => ["-H", `ce-${attribute}`]), "--json", "{}", local());
    assert.equal((await listed("curl.binary"))[0]?.message, 'Õun "1"');
  });
});

it("a dead letter to practise with is stored by its replay, and the numbers add up", HANGING, async () => {
  const [id] = (await database.admin("dead-letters", "make-one")).stdout.trim().split("\n");
  await database.admin("dead-letters", "replay", String(id));
  // What the server does every 15 seconds.
  await fetch(`${server.url}/cdn-cgi/local/scheduled?cron=${encodeURIComponent("* * * * *")}`);
  while ((await listed("user_activated")).length === 0) await fetch(`${server.url}/healthz`);

  assert.equal(
    (await database.admin("dead-letters", "list")).stdout,
    "No dead letter waits; discarded ones are not listed.\n",
  );
  const status = JSON.parse((await database.admin("ingest", "status", "--json")).stdout);
  assert.ok(status.length > 0);
  for (const { accepted, stored, duplicates, waiting, dead } of status) {
    assert.deepEqual([accepted, waiting, dead], [stored + duplicates, 0, 0]);
  }
});
