import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { consumed } from "../end-to-end/journal.ts";
import { LocalDatabase } from "../end-to-end/local-database.ts";
import { LocalServer } from "../end-to-end/local-server.ts";
import { type Documented, INGEST_SECRET, limited, ofUser, REQUESTS, STAFF_TOKEN } from "./openapi-requests.ts";
import { compile, generateClients, Prism, run, tool } from "./openapi-tools.ts";

type Part = Record<string, unknown>;
interface Operation {
  responses: Record<string, Part>;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { responses: Record<string, Part> };
}
/** What a linter or Prism complains about. */
interface Problem {
  rule: string;
  where: string;
}

/** Paths of Waldur end with a slash, and its clients ask for them so. */
const SLASHES = [
  ...["/api/events/", "/api/events/{id}/", "/api/events/count/", "/api/events/event_groups/"],
  ...["/api/events/scope_types/", "/api/events/feed/", "/api/events/feed/status/", "/api/events-stats/"],
];

/** A server that runs well does not give these; test/http/documented-errors.test.ts has them. */
const OF_FAILURES = [
  ...SLASHES.flatMap((path) => [`${path} 429`, `${path} 503`]),
  ...["/ingest/{producer} 503", "/ingest/{producer}/{secret} 503"],
  ...["/ingest/{producer}/receipts/{id} 429", "/ingest/{producer}/receipts/{id} 503"],
  ...["/metrics 429", "/metrics 503", "/readyz 200", "/readyz 429", "/readyz 503"],
];
/** What comes only after 25 seconds; test/feed/live.test.ts has it. */
const SLOW = ["/api/events/feed/ 204"];

/** Headers that say nothing about this API. */
const OF_EVERY_SERVER = [
  ...["access-control-allow-origin", "access-control-expose-headers", "connection", "content-length", "content-type"],
  ...["content-security-policy", "date", "keep-alive", "referrer-policy", "strict-transport-security"],
  ...["transfer-encoding", "x-content-type-options", "content-encoding"],
  ...["cross-origin-resource-policy", "x-accel-buffering"],
];

let database: LocalDatabase;
let server: LocalServer;
let prism: Prism;
let folder: string;
let document: Document;
let requests: Documented[];

before(async () => {
  database = await LocalDatabase.create();
  folder = database.target.stateDir;
  requests = [...REQUESTS, ...(await requestsOfOthers())];
  server = await LocalServer.start({ STATE_DIR: folder, STAFF_TOKEN, INGEST_SECRET, SAMPLE_EVENTS: "30" });
  const text = await (await fetch(`${server.url}/openapi.json`)).text();
  document = JSON.parse(text);
  await writeFile(join(folder, "openapi.json"), text);
  // A planted mistake, which Prism must find.
  const response = {
    description: "A number, it says.",
    content: { "application/json": { schema: { type: "number" } } },
  };
  const wrong = { get: { security: [], responses: { 200: response } } };
  const planted = { ...document, paths: { ...document.paths, "/healthz": wrong } };
  await writeFile(join(folder, "planted.json"), JSON.stringify(planted));
  prism = await Prism.start(join(folder, "planted.json"), server.url);
});

after(async () => {
  await prism?.stop();
  await server?.stop("SIGTERM");
  await database?.remove();
});

describe("a client generated from /openapi.json", () => {
  const user = () => ({ BASE_URL: server.url, STAFF_TOKEN, INGEST_SECRET });
  const expected = {
    list: [
      ["uuid", "created"],
      ["uuid", "created"],
    ],
    follows: true,
    head: [200, true],
    one: [true, "object"],
    byNumber: { id: 1 },
    count: true,
    stats: true,
    groups: ["ssh_key_creation_succeeded", "ssh_key_deletion_succeeded"],
    types: true,
    refused: [400, { created_from: ["Ensure this value is less than or equal to 1e+50."] }],
    ingest: [1, 1],
    receipt: "stored",
  };

  before(() => generateClients(folder));

  it("compiles, and so does what its user writes; a mistake does not", async () => {
    assert.deepEqual(await compile(folder), { code: 0, stdout: "", stderr: "" });
  });

  for (const file of ["openapi-fetch.ts", "hey-api.ts"]) {
    it(`lists, counts, retrieves, sends and asks for receipts: ${file}`, async () => {
      const { stdout, stderr } = await run(folder, file, [], user());
      assert.deepEqual(JSON.parse(stdout || "null"), expected, stderr);
    });
  }
});

describe("a linter of OpenAPI finds nothing in /openapi.json but", () => {
  it("the slashes at the end of Waldur's paths: Redocly", async () => {
    const { stdout, stderr } = await run(folder, tool("@redocly/cli/bin/cli.js"), [
      "lint",
      "openapi.json",
      "--extends=recommended",
      "--format=json",
    ]);
    const { problems }: { problems: { ruleId: string; location: { pointer: string }[] }[] } = JSON.parse(
      stdout || stderr,
    );
    const found = problems.map(({ ruleId, location }) => ({
      rule: ruleId,
      where: location.map(({ pointer }) => pointer).join(),
    }));
    const expected = SLASHES.map((path) => ({
      rule: "no-path-trailing-slash",
      where: `#/paths/${path.replaceAll("/", "~1")}`,
    }));
    assert.deepEqual(sorted(found), sorted(expected));
  });

  it("the same, and no address of the maintainers, who have none: Spectral", async () => {
    await writeFile(join(folder, "spectral.json"), JSON.stringify({ extends: ["spectral:oas"] }));
    const args = ["lint", "openapi.json", "--ruleset=spectral.json", "--format=json", "--quiet"];
    const { stdout, stderr } = await run(folder, tool("@stoplight/spectral-cli/dist/index.js"), args);
    const problems: { code: string; path: string[] }[] = JSON.parse(stdout || stderr);
    const found = problems.map(({ code, path }) => ({ rule: code, where: path.join(" ") }));
    assert.deepEqual(
      sorted(found),
      sorted([
        { rule: "info-contact", where: "info" },
        ...SLASHES.map((path) => ({ rule: "path-keys-no-trailing-slash", where: `paths ${path}` })),
      ]),
    );
  });
});

describe("Prism, which compares requests and responses with /openapi.json,", () => {
  it("finds no violation in any", async () => {
    const found: string[] = [];
    for (const request of requests.filter((each) => !isFaultOfPrism(each))) {
      const { status, violations } = await through(prism.url, request);
      assert.equal(status, request.status, request.path);
      if (violations !== null) found.push(`${nameOf(request)}: ${violations}`);
    }
    assert.deepEqual(found, []);
  });

  it("finds a mistake in the document, and one in a request", async () => {
    assert.match(
      (await through(prism.url, { ...requestOf("/healthz"), headers: {} })).violations ?? "",
      /must be number/,
    );
    const many = requestOf("/api/events/?page_size=many");
    assert.match((await through(prism.url, many)).violations ?? "", /page_size/);
  });

  it("cannot read HEAD, which it answers with 500", async () => {
    const head: Documented = { ...requestOf("/api/events/"), method: "HEAD" };
    assert.equal((await through(prism.url, head)).status, 500);
    assert.equal((await through(server.url, head)).status, 200);
  });

  it("warns of another method, which is no operation of the document", async () => {
    const { status, violations } = await through(prism.url, { ...requestOf("/api/events/"), method: "PUT" });
    assert.equal(status, 405);
    assert.match(
      violations ?? "",
      /^\[\{"location":\["request"\],"severity":"Warning","message":"Selected route not found"\}\]$/,
    );
  });

  it("takes a batch of CloudEvents for application/json", async () => {
    const [batch] = requests.filter(isBatch);
    assert.ok(batch);
    assert.match((await through(prism.url, batch)).violations ?? "", /event_type/);
    assert.equal((await through(server.url, batch)).status, 202);
  });
});

describe("/openapi.json", () => {
  it("has every status that the requests of this test get, and every header of each response", async () => {
    for (const request of requests) {
      const { status, headers } = await through(server.url, request);
      const documented = responsesOf(request)[status];
      assert.ok(documented, `${nameOf(request)} ${status}`);
      const named = Object.keys(Object(resolved(documented).headers)).map((name) => name.toLowerCase());
      const unknown = headers.filter((name) => !named.includes(name) && !OF_EVERY_SERVER.includes(name));
      assert.deepEqual(unknown, [], nameOf(request));
    }
  });

  it("has no other status than those, and those of failures", () => {
    const asked = new Set(requests.map(({ route, status }) => `${route} ${status}`));
    const documented = Object.entries(document.paths).flatMap(([route, methods]) =>
      Object.values(methods).flatMap(({ responses }) => Object.keys(responses).map((status) => `${route} ${status}`)),
    );
    const others = [...new Set(documented)].filter((answer) => !asked.has(answer));
    assert.deepEqual(others.sort(), [...OF_FAILURES, ...SLOW].sort());
  });
});

/** Those of a producer with limits, and of a user without rights. */
async function requestsOfOthers(): Promise<Documented[]> {
  const producer = await database.admin("producers", "add", "limited", "--types", "crm_*", "--daily-quota", "1");
  const user = await database.admin("user", "create", "--username", "ada");
  const token = await database.admin("token", "create", "--username", "ada");
  assert.deepEqual([producer.code, user.code, token.code], [0, 0, 0], producer.stderr + user.stderr + token.stderr);
  return [...limited(producer.stdout.trim()), ...ofUser(token.stdout.trim())];
}

const requestOf = (path: string): Documented => ({
  route: path,
  path,
  headers: { Authorization: `Token ${STAFF_TOKEN}` },
  status: 200,
});

const nameOf = ({ method = "GET", route }: Documented): string => `${method} ${route}`;

const isBatch = ({ headers }: Documented): boolean =>
  headers?.["Content-Type"] === "application/cloudevents-batch+json";

/**
 * Prism reads the body that a HEAD has not, takes every `+json` for application/json, and knows a status of another method
 * only as one of a route that is not there.
 */
const isFaultOfPrism = (request: Documented): boolean =>
  request.method === "HEAD" || request.method === "PUT" || isBatch(request);

/** Sends a request. One that is about events of those before it waits until they are stored. */
async function through(url: string, { method = "GET", path, headers = {}, body, status }: Documented) {
  if (status !== 202) await consumed(folder);
  const response = await fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
  await response.arrayBuffer();
  return {
    status: response.status,
    violations: response.headers.get("sl-violations"),
    headers: [...response.headers.keys()],
  };
}

function responsesOf({ method = "GET", route }: Documented): Record<string, Part> {
  const methods = document.paths[route] ?? {};
  // The response to a method that is not there stands with the first one that is.
  return (methods[method.toLowerCase()] ?? Object.values(methods)[0])?.responses ?? {};
}

function resolved(part: Part): Part {
  const name = typeof part.$ref === "string" ? part.$ref.split("/").at(-1) : undefined;
  return document.components.responses[name ?? ""] ?? part;
}

const sorted = (problems: Problem[]): string[] => problems.map(({ rule, where }) => `${rule} ${where}`).sort();
