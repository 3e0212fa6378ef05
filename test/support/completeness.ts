import { env } from "cloudflare:workers";
import { bodyKey } from "../../src/ingest/queue/keys.ts";

/** Events that are read at once. */
const PAGE = 50_000;

/** A request that was answered with 202: when, in microseconds, and the messages of its events. */
interface Answered {
  at: number;
  messages: readonly string[];
}

/** Checks `complete_through` against every 202, again and again. */
export class CompletenessCheck {
  /** Events that were neither stored nor dead although the log said so. */
  wrong = 0;
  /** How often the time had advanced, and where it is. */
  advances = 0;
  through = 0;
  #pending: Answered[] = [];
  #end = 0;
  /** The numbers of all events of the log by their messages, which no two have in common. Nothing is deleted here. */
  readonly stored = new Map<string, number>();

  /** Notes a request that has just been answered with 202. */
  answered(messages: readonly string[]): void {
    this.#pending.push({ at: Date.now() * 1_000, messages });
  }

  /** When the last request was answered that the time has not passed; undefined when there is none. */
  get last(): number | undefined {
    return this.#pending.at(-1)?.at;
  }

  /** Reads the time, and looks for the events of all requests that it has passed since the last check. */
  async check(): Promise<void> {
    const through = Number(
      await env.DB.prepare("SELECT complete_through FROM commit_watermark").first("complete_through"),
    );
    if (through < this.through) throw new Error("The time went back.");
    if (through === this.through) return;
    this.advances += 1;
    this.through = through;
    const passed = this.#pending.filter(({ at }) => at < through);
    this.#pending = this.#pending.filter(({ at }) => at >= through);
    await this.#readLog();
    this.wrong += await notDead(passed.flatMap(({ messages }) => messages).filter((one) => !this.stored.has(one)));
  }

  /** Reads what has come to the log since the last time. */
  async #readLog(): Promise<void> {
    for (let rows = PAGE; rows === PAGE; ) {
      const { results } = await env.DB.prepare("SELECT id, message FROM events WHERE id > ? ORDER BY id LIMIT ?")
        .bind(this.#end, PAGE)
        .all<{ id: number; message: string }>();
      for (const { id, message } of results) this.stored.set(message, id);
      this.#end = results.at(-1)?.id ?? this.#end;
      rows = results.length;
    }
  }
}

/** How many of the events are in no dead letter. */
async function notDead(messages: readonly string[]): Promise<number> {
  if (messages.length === 0) return 0;
  const bodies = await deadBodies();
  const isDead = (message: string) => bodies.some((body) => body.includes(JSON.stringify(message)));
  return messages.filter((message) => !isDead(message)).length;
}

/** The messages of all dead letters; those of large ones are in R2. */
async function deadBodies(): Promise<string[]> {
  const { results } = await env.DB.prepare("SELECT id, body FROM dead_letters").all<{
    id: string;
    body: string | null;
  }>();
  const bodies = results.map(async ({ id, body }) => body ?? (await (await env.SPILL.get(bodyKey(id)))?.text()) ?? "");
  return Promise.all(bodies);
}
