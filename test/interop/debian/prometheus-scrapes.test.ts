import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type EmptyServer, startEmptyServer } from "../../end-to-end/empty-server.ts";
import { freePort } from "../../end-to-end/local-server.ts";
import { debianProgram, Program } from "./programs.ts";

const PROMTOOL = debianProgram("promtool", "prometheus");
const PROMETHEUS = debianProgram("prometheus");
const RULES = fileURLToPath(new URL("../../../src/operations/alerts.yml", import.meta.url));
const STAFF_TOKEN = `eev_${"7".repeat(40)}`;
const INGEST_SECRET = "secret-of-the-metrics-test";
const HANGING = { timeout: 120_000 };
const POLL_MS = 200;

interface Answer<T> {
  status: string;
  data: T;
}
interface Target {
  health: string;
  lastError: string;
}
interface Vector {
  result: { metric: Record<string, string>; value: [number, string] }[];
}

describe("Prometheus", HANGING, () => {
  let folder = "";
  let server: EmptyServer;
  let prometheus: Program;
  let origin = "";

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "prometheus-"));
    server = await startEmptyServer({ STAFF_TOKEN, INGEST_SECRET });
    const listens = `127.0.0.1:${await freePort()}`;
    origin = `http://${listens}`;
    await writeFile(join(folder, "prometheus.yml"), configuration(new URL(server.server.url).host));
    const storage = ["--storage.tsdb.path", join(folder, "data"), "--web.listen-address", listens];
    prometheus = new Program(PROMETHEUS, ["--config.file", join(folder, "prometheus.yml"), ...storage]);
    await prometheus.answersAt(`${origin}/-/ready`);
  });
  after(async () => {
    await prometheus?.stop();
    await server?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const api = async <T>(path: string): Promise<T> => {
    const { status, data } = (await (await fetch(`${origin}/api/v1/${path}`)).json()) as Answer<T>;
    assert.equal(status, "success");
    return data;
  };
  /** Asks until there is something. */
  const query = async (expression: string): Promise<Vector["result"]> => {
    for (;;) {
      const { result } = await api<Vector>(`query?query=${encodeURIComponent(expression)}`);
      if (result.length > 0) return result;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };

  it("scrapes a server of npm start in OpenMetrics without an error, and knows what is a counter", async () => {
    const [up] = await query('up{job="edge-events"} == 1');
    const { activeTargets } = await api<{ activeTargets: Target[] }>("targets");
    const metadata = await api<Record<string, { type: string; unit: string }[]>>("metadata");

    assert.ok(up);
    assert.deepEqual(
      activeTargets.map(({ health, lastError }) => [health, lastError]),
      [["up", ""]],
    );
    assert.deepEqual(
      [metadata.edge_events_log_entries, metadata.edge_events_watermark_age_seconds].map((found) => [
        found?.[0]?.type,
        found?.[0]?.unit,
      ]),
      [
        ["counter", ""],
        ["gauge", "seconds"],
      ],
    );
    assert.equal((await query("edge_events_log_entries_total"))[0]?.value[1], "0");
  });

  it("takes the alert rules", async () => {
    const { groups } = await api<{ groups: { name: string; rules: { health: string }[] }[] }>("rules");

    assert.deepEqual(
      groups.map(({ name }) => name),
      ["edge-events"],
    );
    assert.equal(groups[0]?.rules.length, 15);
  });

  it("promtool finds nothing to say about the names of a real scrape", async () => {
    const headers = { Authorization: `Token ${STAFF_TOKEN}`, Accept: "text/plain" };
    const input = await (await fetch(`${server.server.url}/metrics`, { headers })).text();
    const { status, stdout, stderr } = spawnSync(PROMTOOL, ["check", "metrics"], { input, encoding: "utf8" });

    assert.match(input, /edge_events_database_up 1/);
    assert.deepEqual([status, stdout + stderr], [0, ""]);
  });
});

const configuration = (host: string): string => `rule_files: ['${RULES}']
scrape_configs:
  - job_name: edge-events
    scrape_interval: 1s
    authorization: { type: Token, credentials: ${STAFF_TOKEN} }
    static_configs: [{ targets: ['${host}'] }]
`;
