import { env } from "cloudflare:workers";
import { database, runBatch } from "../../src/db/client.ts";
import { logSummary } from "../../src/events/log/check.ts";

/** An entry of the log. Of a period, `event` and `created` are its last event's (migrations/0018). */
interface Entry {
  id: number;
  op: "event" | "identity" | "removed" | "period";
  event: number;
  uuid: string;
  created: number;
}

/** The entries of the log after a number. */
async function entriesAfter(after: number): Promise<Entry[]> {
  const { results } = await env.DB.prepare(
    `SELECT id, 'event' AS op, id AS event, uuid, created FROM events WHERE id > ?1
      UNION ALL SELECT id, op, event_id, uuid, created_to FROM log_changes WHERE id > ?1 ORDER BY id`,
  )
    .bind(after)
    .all<Entry>();
  return results;
}

/** Follows the log and applies its entries: what it holds is what the list shows at that time. */
export class LogReader {
  readonly #events = new Map<number, { uuid: string; created: number }>();
  position = 0;

  /** Takes the entries that have come since. */
  async read(): Promise<Entry[]> {
    const entries = await entriesAfter(this.position);
    for (const entry of entries) {
      this.#apply(entry);
      this.position = entry.id;
    }
    return entries;
  }

  /** Event id → uuid, in the order of the ids. */
  held(): Map<number, string> {
    const events = [...this.#events].sort(([a], [b]) => a - b);
    return new Map(events.map(([id, { uuid }]) => [id, uuid]));
  }

  #apply({ op, event, uuid, created }: Entry): void {
    const known = this.#events.get(event);
    if (op === "event") this.#events.set(event, { uuid, created });
    else if (op === "identity" && known) this.#events.set(event, { ...known, uuid });
    else if (op === "removed") this.#events.delete(event);
    else if (op === "period")
      for (const [id, held] of this.#events)
        if (held.created < created || (held.created === created && id >= event)) this.#events.delete(id);
  }
}

/** Event id → uuid of all stored events, in the order of the ids. */
export async function storedIds(): Promise<Map<number, string>> {
  const { results } = await env.DB.prepare("SELECT id, uuid FROM events ORDER BY id").all<{
    id: number;
    uuid: string;
  }>();
  return new Map(results.map(({ id, uuid }) => [id, uuid]));
}

/** Numbers from where the log is dense to its end that no entry has or had, by what `log check` counts. */
export async function gaps(): Promise<number> {
  const [[summary] = []] = (await runBatch(database(env.DB), [logSummary])).map(({ results }) => results);
  const count = (name: string) => Number(summary?.[name]);
  const events = await env.DB.prepare("SELECT count(*) AS n FROM events WHERE id > ?")
    .bind(count("dense_from"))
    .first<number>("n");
  const found = Number(events) + count("changes") + count("removed") + count("periods");
  return count("end") - count("dense_from") - found;
}
