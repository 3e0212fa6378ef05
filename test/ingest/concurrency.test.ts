/// <reference types="vite/types/importMeta.d.ts" />
import { describe, expect, it } from "vitest";
import { simulate } from "../cloud/one-writer.ts";

const texts: Record<string, string> = import.meta.glob(["../../wrangler.toml", "../../src/ingest/queue/README.md"], {
  query: "?raw",
  import: "default",
  eager: true,
});
const textOf = (path: string) => texts[`../../${path}`] ?? "";

const CONSUMERS = [1, 2, 5, 10, 250];
const packed = (consumers: number) => simulate({ consumers, messages: 4_000, events: 50, reads: 100 });
const single = (consumers: number) => simulate({ consumers, messages: 20_000, events: 1, reads: 100 });

const seconds = (ms: number) => (ms / 1_000).toFixed(1);

/** A row of the table in the README. */
function rowOf(consumers: number): string {
  const [many, few] = [packed(consumers), single(consumers)];
  const waits = [many, few].map(({ median, p99 }) => `${Math.round(median)}, ${Math.round(p99)}`);
  return `| ${consumers} | ${seconds(many.drained)} s | ${waits[0]} ms | ${seconds(few.drained)} s | ${waits[1]} ms |`;
}

describe("one writer, simulated", () => {
  it("gives the table of the README", () => {
    const readme = textOf("src/ingest/queue/README.md").split("\n");
    expect(CONSUMERS.map((consumers) => readme.includes(rowOf(consumers)) || rowOf(consumers))).toEqual(
      CONSUMERS.map(() => true),
    );
  });

  it("stores little more with more consumers than wrangler.toml has, while readers wait for each of them", () => {
    const chosen = Number(/max_concurrency = (\d+)/.exec(textOf("wrangler.toml"))?.[1]);
    for (const load of [packed, single]) {
      expect(load(chosen).drained).toBeLessThan(0.75 * load(1).drained);
      expect(load(250).p99).toBeGreaterThan(20 * load(chosen).p99);
    }
    expect(packed(chosen).drained).toBeLessThan(1.3 * packed(250).drained);
  });

  it("lets a reader wait for the write call before it, and no longer", () => {
    const { drained, longest } = simulate({ consumers: 1, messages: 25, events: 20, reads: 100 });
    expect(drained).toBeCloseTo(500 * 0.1 + 10 + 5 + 500 * 0.1);
    expect(longest).toBeGreaterThan(20);
    expect(longest).toBeLessThan(5 + 50 + 10);
  });
});
