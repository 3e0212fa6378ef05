/// <reference types="vite/types/importMeta.d.ts" />
import { describe, expect, it } from "vitest";
import dashboard from "../../src/operations/dashboard.json" with { type: "json" };
import { FAMILIES } from "../../src/operations/families.ts";
import { Simulation } from "./simulation.ts";

const files = import.meta.glob<string>(["../../src/operations/alerts.yml", "../../src/operations/README.md"], {
  query: "?raw",
  import: "default",
  eager: true,
});
const rules = files["../../src/operations/alerts.yml"] ?? "";
const runbook = files["../../src/operations/README.md"] ?? "";

/** Families that a mirror of Waldur gives, and what Prometheus itself says of a scrape. */
const OTHERS = [
  "edge_events_mirror_state",
  "edge_events_mirror_verified_through_seconds",
  "edge_events_mirror_windows",
  "up",
];

const metricsIn = (text: string): string[] => [...new Set(text.match(/\bedge_events_\w+|\bup\b(?=\{)/g))].sort();
const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = ""]) => name);
const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

describe("the alert rules", () => {
  it("use metrics that a real scrape has", async () => {
    const simulation = new Simulation({ waldur: 7 });
    await simulation.hasSent("waldur", Array(7).fill({ 10: 86_400_000 }), Date.now());
    await simulation.pass(61);
    const scraped = new Set([...(await simulation.scrape()).keys()].map((series) => series.replace(/\{.*/, "")));

    expect(metricsIn(rules).length).toBeGreaterThan(10);
    expect(metricsIn(rules).filter((name) => !scraped.has(name))).toEqual(OTHERS);
  });

  it("have a paragraph each in the runbook, with a command", () => {
    const paragraphs = runbook.split("\n### ").slice(1);
    const headings = paragraphs.map((paragraph) => paragraph.split("\n")[0]);
    const ofAlerts = paragraphs.filter((paragraph) => /^EdgeEvents/.test(paragraph));

    expect(headings.filter((heading) => heading?.startsWith("EdgeEvents"))).toEqual(alerts);
    expect(ofAlerts.filter((paragraph) => !/`(?:npm|npx|curl) [^`]+`/.test(paragraph))).toEqual([]);
  });
});

describe("the dashboard", () => {
  it("uses metrics that exist, and all of them", () => {
    const names = FAMILIES.map(({ name }) => name);

    expect(metricsIn(expressions.join("\n")).filter((name) => !names.includes(name))).toEqual([]);
    expect(names.filter((name) => !metricsIn(expressions.join("\n")).includes(name))).toEqual([
      "edge_events_log_entries_total",
    ]);
  });

  it("has panels that do not lie on each other", () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
    );

    expect(new Set(cells).size).toBe(cells.length);
    expect(dashboard.panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });
});
