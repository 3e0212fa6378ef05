import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, it } from "node:test";
import { LocalServer } from "../../end-to-end/local-server.ts";
import { debianProgram, Program } from "./programs.ts";

const CHROMIUM = debianProgram("chromium");
const STAFF_TOKEN = "0123456789abcdef0123456789abcdef01234567";
const EVENTS = 700;
const TIMEOUT_MS = 60_000;

/** What the page found out. */
interface Found {
  status: number;
  total: string;
  uuids: string[];
  requests: number;
  unchanged: number;
  refused: number;
  forbidden: string;
}

/**
 * The script of a page on another origin than the API. It exports all events as HomePort does, with the headers of Sentry,
 * asks again with the ETag, tries a wrong token and a header that no page may send, and reports to its own origin.
 */
const SCRIPT = `
  const headers = {
    Accept: "application/json", "Accept-Language": "en", Authorization: "Token " + TOKEN,
    "X-Requested-With": "XMLHttpRequest", "X-CSRFToken": "x",
    "sentry-trace": "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1", baggage: "sentry-environment=production",
  };
  const found = { uuids: [], requests: 0 };
  let page = 1;
  let etag;
  while (page) {
    const response = await fetch(API + "/api/events/?page=" + page + "&page_size=800&feature=users&feature=projects&feature=resources&feature=customers", { headers });
    found.requests += 1;
    found.status = response.status;
    found.total = response.headers.get("X-Result-Count");
    etag = response.headers.get("ETag");
    found.uuids.push(...(await response.json()).map(({ uuid }) => uuid));
    const next = (response.headers.get("Link") ?? "").split(", ").find((link) => link.includes('rel="next"'));
    page = next && parseInt(new URLSearchParams(next.split(";")[0].slice(1, -1).split("/?")[1]).get("page"), 10);
    if (page) continue;
    found.unchanged = (await fetch(response.url, { headers: { ...headers, "If-None-Match": etag } })).status;
  }
  found.refused = (await fetch(API + "/api/events/", { headers: { ...headers, Authorization: "Token no" } })).status;
  found.forbidden = await fetch(API + "/api/events/", { headers: { "X-Anything": "1" } }).then((r) => String(r.status), (e) => e.name);
`;

let server: LocalServer;
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "edge-events-chromium-"));
  const stateDir = join(folder, "state");
  const secrets = { STAFF_TOKEN, INGEST_SECRET: "a-secret-of-a-local-producer" };
  server = await LocalServer.start({ STATE_DIR: stateDir, SAMPLE_EVENTS: String(EVENTS), ...secrets });
});
after(async () => {
  await server?.stop("SIGTERM");
  await rm(folder, { recursive: true, force: true });
});

it("a page of another origin exports all events in Chromium, with the headers of Sentry and a preflight", async (t) => {
  const found = await reportOf(page(server.url));
  t.diagnostic(`${found.uuids.length} events in ${found.requests} requests`);
  const count = await fetch(
    `${server.url}/api/events/?feature=users&feature=projects&feature=resources&feature=customers`,
    {
      headers: { Authorization: `Token ${STAFF_TOKEN}` },
    },
  );
  assert.equal(found.status, 200);
  assert.equal(found.total, count.headers.get("X-Result-Count"));
  assert.equal(found.uuids.length, Number(found.total));
  assert.equal(new Set(found.uuids).size, found.uuids.length);
  assert.equal(found.requests, Math.ceil(found.uuids.length / 300));
  assert.ok(found.requests > 1);
  assert.deepEqual([found.unchanged, found.refused, found.forbidden], [304, 401, "TypeError"]);
});

const page = (api: string) =>
  `<!doctype html><script type="module">
    const [API, TOKEN] = ${JSON.stringify([api, STAFF_TOKEN])};
    ${SCRIPT}
    await fetch("/found", { method: "POST", body: JSON.stringify(found) });
  </script>`;

/** Opens a page in Chromium and returns what it posts to `/found`. */
async function reportOf(html: string): Promise<Found> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const portal = createServer((request, response) => {
    if (request.method === "POST") resolve(text(request));
    response.writeHead(200, { "Content-Type": "text/html" }).end(request.url === "/" ? html : "");
  });
  await once(portal.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(portal.address() as AddressInfo).port}/`;
  // Without a sandbox, because containers and root have none; the only page is ours.
  const args = ["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${join(folder, "profile")}`, url];
  const chromium = new Program(CHROMIUM, args);
  const isLate = once(AbortSignal.timeout(TIMEOUT_MS), "abort").then(() => undefined);
  const report = await Promise.race([promise, isLate]);
  await chromium.stop();
  portal.closeAllConnections();
  portal.close();
  if (report === undefined) throw new Error(`Chromium has reported nothing:\n${chromium.printed}`);
  return JSON.parse(report) as Found;
}
