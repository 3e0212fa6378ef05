import { abortAllDurableObjects, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { emptyStorage } from "./storage.ts";
import { anEvent, recorded } from "./world.ts";

const stored = async () => ({
  events: await env.DB.prepare("SELECT count(*) AS n FROM events").first("n"),
  types: await env.DB.prepare("SELECT count(*) AS n FROM event_types").first("n"),
  objects: (await env.SPILL.list()).objects.length,
});

const fill = () => Promise.all([recorded(anEvent({ eventType: "new" })), env.SPILL.put("key", "value")]);

describe("a test starts with empty storage", () => {
  it("after a test that has just ended", async () => {
    await fill();

    await emptyStorage();

    expect(await stored()).toEqual({ events: 0, types: 349, objects: 0 });
  });

  it("after a pause in which the platform has stopped the database and the bucket", async () => {
    await fill();
    await abortAllDurableObjects();

    await emptyStorage();

    expect(await stored()).toEqual({ events: 0, types: 349, objects: 0 });
  });
});

it("the platform's reset() alone leaves what a stopped database and bucket have stored", async () => {
  await fill();
  await abortAllDurableObjects();

  await reset();

  expect(await stored()).toEqual({ events: 1, types: 350, objects: 1 });
});
