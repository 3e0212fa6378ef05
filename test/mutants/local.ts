import type { Mutant } from "./mutant.ts";

/** What the journal of the local queues must not do. */
export const localMutants: readonly Mutant[] = [
  {
    bug: "The queue has a message before the journal has it.",
    file: "src/local/journal.ts",
    search:
      'await Promise.all(bodies.map((body, index) => SPILL.put(keys[index] ?? "", body)));\n      return await send();',
    replace:
      'const sent = await send();\n      await Promise.all(bodies.map((body, index) => SPILL.put(keys[index] ?? "", body)));\n      return sent;',
    tests: ["test/local"],
  },
  {
    bug: "The journal forgets a message that is to be delivered again.",
    file: "src/local/journal.ts",
    search: "retry: (options?: QueueRetryOptions) => message.retry(options),",
    replace: "retry: (options?: QueueRetryOptions) => (acknowledged.push(message.body), message.retry(options)),",
    tests: ["test/local"],
  },
  {
    bug: "What an earlier process has left stays in the journal.",
    file: "src/local/journal.ts",
    search: "await Promise.all([journal.sendLeft(env), worker.",
    replace: "await Promise.all([worker.",
    tests: ["test/local"],
  },
  {
    bug: "The cron job sends again what the queue still has.",
    file: "src/local/journal.ts",
    search: "if (!this.#held.has(key)) await",
    replace: "await",
    tests: ["test/local"],
  },
  {
    bug: "The journal keeps what the queue has refused.",
    file: "src/local/journal.ts",
    search: "await this.#delete(SPILL, keys).catch(() => undefined);",
    replace: "",
    tests: ["test/local"],
  },
  {
    bug: "The journal keeps a message that the platform has moved to the dead letters.",
    file: "src/local/journal.ts",
    search: "Object.values(NAMES).map((name) => keyOf(name, body))",
    replace: "[DEAD_LETTER_QUEUE_NAME].map((name) => keyOf(name, body))",
    tests: ["test/local"],
  },
  {
    bug: "The journal keeps counts of refused requests, which would be added twice.",
    file: "src/local/journal.ts",
    search: '{ ...this.#kept(env, "INGEST_QUEUE"), send: queue.send.bind(queue) }',
    replace: 'this.#kept(env, "INGEST_QUEUE")',
    tests: ["test/local"],
  },
];
