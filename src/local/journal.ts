import type { Env } from "../env.ts";
import { DEAD_LETTER_QUEUE_NAME, INGEST_QUEUE_NAME } from "../ingest/queue/names.ts";
import { sendAll } from "../ingest/queue/send.ts";
import { sha256Hex } from "../values/bytes.ts";

/** `journal/{queue}/{SHA-256 of the message}` in the bucket SPILL. */
const PREFIX = "journal/";

type Worker = Required<Pick<ExportedHandler<Env>, "fetch" | "queue" | "scheduled">>;

/** A queue of the Worker, by its binding. */
type Binding = "INGEST_QUEUE" | "INGEST_DEAD_LETTERS";

const NAMES: Readonly<Record<Binding, string>> = {
  INGEST_QUEUE: INGEST_QUEUE_NAME,
  INGEST_DEAD_LETTERS: DEAD_LETTER_QUEUE_NAME,
};

/**
 * A Worker whose queues survive `kill -9`, which local queues do not, because they live in memory; a deployed queue is on
 * disk. Each message is in R2 before its queue has it, so before the 202, and until its consumer has acknowledged it. The
 * cron job sends again what an earlier process has left. A message that was consumed, but not yet deleted, comes twice;
 * consumers store its events once. Counts of refused requests are not kept: they would be added twice.
 */
export function withJournal(worker: Worker): Worker {
  const journal = new Journal();
  return {
    fetch: (request, env, ctx) => worker.fetch(request, journal.around(env), ctx),
    queue: async (batch, env, ctx) => {
      const { noted, acknowledged } = noting(batch, await journal.metrics(env.SPILL, batch.queue, batch));
      await worker.queue(noted, journal.around(env), ctx);
      await journal.forget(env.SPILL, acknowledged);
    },
    scheduled: async (controller, env, ctx) => {
      await Promise.all([journal.sendLeft(env), worker.scheduled(controller, journal.around(env), ctx)]);
    },
  };
}

/** A batch, with other metrics, that notes the bodies of the messages that its consumer acknowledges. */
function noting(
  batch: MessageBatch<unknown>,
  metrics: QueueMetrics,
): { noted: MessageBatch<unknown>; acknowledged: unknown[] } {
  const acknowledged: unknown[] = [];
  const messages = batch.messages.map((message) => ({
    ...{ id: message.id, timestamp: message.timestamp, attempts: message.attempts, body: message.body },
    ack: () => {
      acknowledged.push(message.body);
      message.ack();
    },
    retry: (options?: QueueRetryOptions) => message.retry(options),
  }));
  const { queue } = batch;
  const metadata = { ...batch.metadata, metrics };
  const rest = { ackAll: () => batch.ackAll(), retryAll: (options?: QueueRetryOptions) => batch.retryAll(options) };
  return { noted: { queue, metadata, messages, ...rest }, acknowledged };
}

class Journal {
  /** The keys of the messages that the queues of this process have. */
  readonly #held = new Set<string>();
  /** When each message was written that no consumer has acknowledged, milliseconds: those of earlier processes, too. */
  readonly #times = new Map<string, number>();
  #begun: Promise<void> | undefined;
  /** One for each Env: the Worker knows its queues by identity. */
  readonly #envs = new WeakMap<Env, Env>();

  /** The bindings, with queues that are kept in the journal. */
  around(env: Env): Env {
    const known = this.#envs.get(env);
    if (known !== undefined) return known;
    const queue = env.INGEST_QUEUE;
    const made = {
      ...env,
      // Single messages are counts of refused requests.
      INGEST_QUEUE: { ...this.#kept(env, "INGEST_QUEUE"), send: queue.send.bind(queue) },
      INGEST_DEAD_LETTERS: this.#kept(env, "INGEST_DEAD_LETTERS"),
    };
    this.#envs.set(env, made);
    return made;
  }

  #kept(env: Env, binding: Binding): Queue<string> {
    const queue = env[binding];
    return {
      metrics: async () => this.metrics(env.SPILL, NAMES[binding], { metadata: { metrics: await queue.metrics() } }),
      send: (body, options) => this.#during(env, binding, [body], () => queue.send(body, options)),
      sendBatch: async (given, options) => {
        const messages = [...given];
        const bodies = messages.map(({ body }) => body);
        return this.#during(env, binding, bodies, () => queue.sendBatch(messages, options));
      },
    };
  }

  /** Writes messages and sends them. Forgets those that the queue refuses: their request may end with a 503. */
  async #during<T>({ SPILL }: Env, binding: Binding, bodies: readonly string[], send: () => Promise<T>): Promise<T> {
    const keys = await Promise.all(bodies.map((body) => keyOf(NAMES[binding], body)));
    try {
      for (const key of keys) this.#held.add(key);
      for (const key of keys) this.#times.set(key, this.#times.get(key) ?? Date.now());
      await Promise.all(bodies.map((body, index) => SPILL.put(keys[index] ?? "", body)));
      return await send();
    } catch (error) {
      await this.#delete(SPILL, keys).catch(() => undefined);
      throw error;
    }
  }

  /** Deletes messages that were consumed. The platform moves some to the dead letters as they are, so both queues count. */
  async forget(bucket: R2Bucket, bodies: readonly unknown[]): Promise<void> {
    const texts = bodies.filter((body) => typeof body === "string");
    const keys = texts.flatMap((body) => Object.values(NAMES).map((name) => keyOf(name, body)));
    await this.#delete(bucket, await Promise.all(keys));
  }

  async #delete(bucket: R2Bucket, keys: string[]): Promise<void> {
    if (keys.length > 0) await bucket.delete(keys);
    for (const key of keys) {
      this.#held.delete(key);
      this.#times.delete(key);
    }
  }

  /**
   * The metrics of a queue as Cloudflare documents them: the oldest message is the oldest one that is not acknowledged. A
   * local queue leaves out those that are being delivered, and those that wait for a retry or for another process.
   */
  async metrics(
    bucket: R2Bucket,
    queue: string,
    { metadata, messages = [] }: Pick<MessageBatch<unknown>, "metadata"> & Partial<MessageBatch<unknown>>,
  ): Promise<QueueMetrics> {
    this.#begun ??= this.#begin(bucket);
    await this.#begun.catch((error: unknown) => {
      this.#begun = undefined;
      throw error;
    });
    let oldest = messages.reduce(
      (first, { timestamp }) => Math.min(first, Number(timestamp)),
      Number.POSITIVE_INFINITY,
    );
    for (const [key, time] of this.#times) if (key.startsWith(`${PREFIX}${queue}/`)) oldest = Math.min(oldest, time);
    const { oldestMessageTimestamp, ...others } = metadata.metrics;
    return oldest === Number.POSITIVE_INFINITY ? others : { ...others, oldestMessageTimestamp: new Date(oldest) };
  }

  /** Finds what earlier processes have left. */
  async #begin(bucket: R2Bucket): Promise<void> {
    for await (const { key, uploaded } of objectsBelow(bucket, PREFIX)) {
      this.#times.set(key, Math.min(this.#times.get(key) ?? Number.POSITIVE_INFINITY, uploaded.getTime()));
    }
  }

  /** Sends what an earlier process has left to the queues. */
  async sendLeft(env: Env): Promise<void> {
    for (const binding of ["INGEST_QUEUE", "INGEST_DEAD_LETTERS"] as const) {
      for (const key of await keysBelow(env.SPILL, `${PREFIX}${NAMES[binding]}/`)) {
        if (!this.#held.has(key)) await this.#sendOne(env.SPILL, key, env[binding]);
      }
    }
  }

  async #sendOne(bucket: R2Bucket, key: string, queue: Queue<string>): Promise<void> {
    this.#held.add(key);
    try {
      const object = await bucket.get(key);
      if (object === null) this.#held.delete(key);
      else await sendAll(queue, [await object.text()]);
    } catch (error) {
      this.#held.delete(key);
      throw error;
    }
  }
}

const keyOf = async (queue: string, body: string): Promise<string> => `${PREFIX}${queue}/${await sha256Hex(body)}`;

async function keysBelow(bucket: R2Bucket, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of objectsBelow(bucket, prefix)) keys.push(key);
  return keys;
}

async function* objectsBelow(bucket: R2Bucket, prefix: string): AsyncGenerator<R2Object> {
  let cursor: string | undefined;
  do {
    const page = await bucket.list({ prefix, ...(cursor === undefined ? {} : { cursor }) });
    yield* page.objects;
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
}
