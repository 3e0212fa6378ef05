import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { masked } from "../../src/cli/server-log.ts";

const SECRET = "s3cret-in-the-url";

/** A log line of wrangler for a request. */
const request = (path: string) => `[wrangler:info] POST ${path} 401 Unauthorized (5ms)`;

describe("a line of the server's log", () => {
  it("keeps the name of the producer", () => {
    assert.equal(masked(request(`/ingest/waldur/${SECRET}`)), request("/ingest/waldur/…"));
    assert.equal(masked(request("/ingest/waldur")), request("/ingest/waldur"));
    assert.equal(masked(request("/ingest/waldur/receipts/5")), request("/ingest/waldur/…"));
  });

  it("keeps the paths of the API", () => {
    for (const path of ["/api/events/", `/api/events/${"a".repeat(32)}/`, "/healthz", "/openapi.json", "/"]) {
      assert.equal(masked(request(path)), request(path));
    }
  });

  it("hides a secret behind slashes that are encoded, doubled or misplaced", () => {
    const slashes = ["%2F", "%2f", "%252F", "%25252f", "//", "/%2F", "%2F/", "%5C", "\\"];
    const paths = slashes.flatMap((slash) => [
      `/ingest/waldur${slash}${SECRET}`,
      `/ingest${slash}waldur/${SECRET}`,
      `/ingest${slash}waldur${slash}${SECRET}`,
      `${slash}ingest/waldur/${SECRET}`,
      `/api${slash}..${slash}ingest/waldur/${SECRET}`,
    ]);
    for (const path of paths) assert.ok(!masked(request(path)).includes(SECRET), path);
  });

  it("hides a secret in a path that is encoded or misspelt", () => {
    const starts = ["/%69ngest/waldur", "/%69ngest%2Fwaldur", "/INGEST/waldur", "/ingests/waldur", "/waldur", ""];
    for (const start of starts) assert.equal(masked(request(`${start}/${SECRET}`)), request("/…"), start);
    assert.equal(masked(request(`/ingest/waldur/%73${SECRET}?x#y`)), request("/ingest/waldur/…"));
    assert.equal(masked(request(`/ingest/waldur/${SECRET}/`)), request("/ingest/waldur/…"));
  });

  it("hides a secret in a URL or a quoted path of any line", () => {
    for (const start of ["http://127.0.0.1:8787", "https://events.example.org", '"', "'", "(", " "]) {
      for (const path of ["/ingest/waldur/", "/ingest%2Fwaldur%2F", "//ingest//waldur//"]) {
        const line = masked(`[ERROR] Failed at${start.startsWith("h") ? " " : ""}${start}${path}${SECRET}`);
        assert.ok(!line.includes(SECRET), line);
      }
    }
  });

  it("keeps the files of a stack", () => {
    const line = "    at ingest (file:///srv/edge-events/src/ingest/routes.ts:34:5)";
    assert.equal(masked(line), line);
  });
});
