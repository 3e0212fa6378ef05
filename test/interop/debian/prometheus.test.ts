import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { debianProgram } from "./programs.ts";

const PROMTOOL = debianProgram("promtool", "prometheus");
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const RULES = join(ROOT, "src/operations/alerts.yml");
const SCRAPES = join(ROOT, "test/operations/scrapes");
const folder = mkdtempSync(join(tmpdir(), "promtool-"));
after(() => rmSync(folder, { recursive: true }));

interface Series {
  series: string;
  values: string;
}

/** Without more words, every scrape succeeds. */
const UP: Series = { series: 'up{job="edge-events"}', values: "1x100000" };
const scraped = (name: string): Series[] => JSON.parse(readFileSync(join(SCRAPES, `${name}.json`), "utf8"));

/** What has fired by the end of the 30 minutes of a fault that test/operations has simulated: all of it. */
const FIRES: Readonly<Record<string, readonly string[]>> = {
  "queue-stopped": ["Backlog", "WatermarkBehind"],
  "queue-refuses": ["SpillNotDrained", "WatermarkBehind"],
  "database-away": ["DatabaseDown"],
  "bucket-away": ["ObjectStoreDown", "WatermarkBehind"],
  "producer-silent": ["ProducerSilent"],
  "dead-letters": ["DeadLetters"],
  "clock-skew": ["ClockSkew"],
  "database-nearly-full": ["DatabaseFilling"],
  "consumer-throwing": ["Backlog", "WatermarkBehind"],
  "cron-not-running": ["CronNotRunning"],
};

const MIRROR = [
  { series: 'edge_events_mirror_state{state="running"}', values: "1x20 0x40" },
  { series: 'edge_events_mirror_state{state="stopped"}', values: "0x20 1x40" },
];

/** What no simulation of this server alone has. */
const OTHERS: Readonly<Record<string, { series: Series[]; fires: readonly string[] }>> = {
  "no scrape succeeds": { series: [{ ...UP, values: "1x20 0x40" }], fires: ["NotScraped"] },
  "nobody scrapes": { series: [{ ...UP, values: "1x20 stale _x40" }], fires: ["NotScraped"] },
  "the token of the mirror is revoked": { series: [UP, ...MIRROR], fires: ["MirrorStuck"] },
  "the mirror does not go on": {
    series: [UP, { series: "edge_events_mirror_verified_through_seconds", values: "9000+60x60" }],
    fires: ["MirrorStuck"],
  },
  "a window differs from Waldur": {
    series: [UP, { series: 'edge_events_mirror_windows{state="unequal"}', values: "0 1x90" }],
    fires: ["MirrorUnequal"],
  },
  "two percent of the requests fail": {
    series: [
      UP,
      { series: "edge_events_accepted_total", values: "1000+98x60" },
      { series: 'edge_events_rejected_requests_total{reason="unavailable"}', values: "0+2x60" },
    ],
    fires: ["ErrorRate"],
  },
  "producers send what is not valid": {
    series: [
      UP,
      { series: "edge_events_accepted_total", values: "1000+10x60" },
      { series: 'edge_events_rejected_requests_total{reason="invalid"}', values: "0+90x60" },
      { series: 'edge_events_rejected_requests_total{reason="error"}', values: "3x60" },
    ],
    fires: [],
  },
};

/** Whether the alerts that fire at a time are these and no others, by `promtool test rules`; what it prints. */
function tested(series: readonly Series[], fires: readonly string[], evaluated: Evaluated) {
  const samples = fires.map((name) => ({ labels: `{alertname="EdgeEvents${name}"}`, value: 1 }));
  const test = {
    interval: evaluated.interval,
    input_series: series,
    promql_expr_test: [{ expr: evaluated.expr, eval_time: evaluated.at, exp_samples: samples }],
  };
  const file = join(folder, "test.yml");
  writeFileSync(file, JSON.stringify({ rule_files: [RULES], evaluation_interval: evaluated.interval, tests: [test] }));
  const { status, stdout, stderr } = spawnSync(PROMTOOL, ["test", "rules", file], { encoding: "utf8" });
  return { status, printed: stdout + stderr };
}

interface Evaluated {
  interval: string;
  at: string;
  expr: string;
}

const FIRING = 'group by (alertname) (ALERTS{alertstate="firing"})';
const AT_END: Evaluated = { interval: "30s", at: "29m30s", expr: FIRING };

describe("the alert rules", () => {
  it("are valid", () => {
    const { status, stdout } = spawnSync(PROMTOOL, ["check", "rules", "--lint-fatal", RULES], { encoding: "utf8" });
    assert.equal(status, 0, stdout);
  });

  it("have all simulated faults", () => {
    const simulated = globSync("*.json", { cwd: SCRAPES }).map((name) => basename(name, ".json"));
    assert.deepEqual(simulated.filter((name) => name !== "quiet-week").sort(), Object.keys(FIRES).sort());
  });

  for (const [name, fires] of Object.entries(FIRES)) {
    it(`find ${name}, and nothing else`, () => {
      const { status, printed } = tested([UP, ...scraped(name)], fires, AT_END);
      assert.equal(status, 0, printed);
    });
  }

  it("are silent in a quiet week, though scrapes are 14 minutes apart in it", () => {
    const held = [UP, ...scraped("quiet-week")];
    const whole = { interval: "14m", at: "167h46m", expr: "group by (alertname) (count_over_time(ALERTS[7d]))" };
    const { status, printed } = tested(held, [], whole);
    assert.equal(status, 0, printed);
  });

  for (const [name, { series, fires }] of Object.entries(OTHERS)) {
    it(`${fires.length > 0 ? "find" : "are silent"} when ${name}`, () => {
      const at = name === "a window differs from Waldur" ? { ...AT_END, at: "40m" } : AT_END;
      const { status, printed } = tested(series, fires, at);
      assert.equal(status, 0, printed);
    });
  }

  it("would be found to miss a fault, or to fire too much", () => {
    assert.notEqual(tested([UP, ...scraped("dead-letters")], [], AT_END).status, 0);
    assert.notEqual(tested([UP, ...scraped("dead-letters")], ["DeadLetters", "Backlog"], AT_END).status, 0);
  });
});
