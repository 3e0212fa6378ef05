import { writeFileSync } from "node:fs";
import { playFeed } from "./feed.ts";
import { loaded } from "./load.ts";
import { measureMemory } from "./memory.ts";
import { playReads } from "./reads.ts";
import { dollars, print, type Report, readReport } from "./report.ts";
import { build, serve } from "./server.ts";
import { isWanted, settings } from "./settings.ts";
import { playSpeed } from "./speed.ts";
import { measureStorage } from "./storage.ts";
import { playWrites } from "./writes.ts";

/** `npm run bench`: builds, loads, plays the reference month, prints what it cost, and leaves bench-report.json. */
const { events, seed, only } = settings;
const bundleBytes = await build();
const [now, before] = only === "" && events >= 100_000 ? [events, events / 10] : [events, undefined];

const earlier = before === undefined ? undefined : await reads(before);
const current = await reads(now, isWanted("speed"));
console.log("Writing …");
const writes = isWanted("writes") ? await playWrites(current.state, events, seed) : undefined;
console.log("Following …");
const feed = isWanted("feed") ? await playFeed(current.state, now) : undefined;
const heapBytes = isWanted("memory") ? await measureMemory() : undefined;
const storage = measureStorage(current.state, events);
const report: Report = {
  events,
  seed,
  reads: current.report,
  growth: earlier && {
    median: current.report.median / earlier.report.median,
    worst: current.report.worst_outside_search / earlier.report.worst_outside_search,
  },
  writes,
  storage,
  feed,
  speed: current.speed,
  heapBytes,
  dollars:
    writes &&
    dollars(current.report, {
      ...{ writes, storage, census: current.census },
      ...(earlier ? { earlier: earlier.report } : {}),
    }),
  bundleBytes,
};
print(report);
writeFileSync("bench-report.json", `${JSON.stringify(published(report), null, 2)}\n`);
process.exit();

async function reads(count: number, withSpeed = false) {
  console.log(`Loading ${count.toLocaleString("en")} events …`);
  const { state, census } = await loaded(count, seed);
  const server = await serve(state);
  try {
    const db = await server.mf.getD1Database("DB", "ours");
    await db.prepare("DELETE FROM search_totals").run();
    console.log("Reading …");
    const samples = await playReads(server, census, seed);
    const speed = withSpeed ? await playSpeed(server, census) : undefined;
    return { state, census, report: readReport(samples, census), speed };
  } finally {
    await server.mf.dispose();
  }
}

/** The report under the names it is published with. */
function published({ reads, writes, storage, feed, speed, heapBytes, dollars, growth, bundleBytes }: Report) {
  const { trips_per_request, ...rowsRead } = reads;
  return {
    events,
    seed,
    rows_read: rowsRead,
    growth,
    rows_written_per_event: writes?.rowsWrittenPerEvent,
    bytes_per_event: storage.bytesPerEvent,
    bytes_by_table: Object.fromEntries(storage.byName),
    trips_per_request: trips_per_request.warm,
    trips_per_request_all: trips_per_request.all,
    dollars,
    rps: speed && {
      ours: speed.ours,
      bare: speed.bare,
      bare_session: speed.bareSession,
      ratio: speed.ours / speed.bare,
      paths: speed.paths,
    },
    feed: feed && {
      catch_up_events_per_second: feed.catchUpPerSecond,
      by_number_events_per_second: feed.byNumberPerSecond,
      rows_read_per_event: feed.rowsPerEvent,
      rows_read_idle: feed.idleRows,
      commit_to_long_poll_ms: feed.longPoll,
      commit_to_sse_ms: feed.sse,
    },
    heap_bytes_of_four_large_pages: heapBytes,
    ingest_events_per_second: writes?.ingestEventsPerSecond,
    bundle_gzip_bytes: bundleBytes,
  };
}
