import type { Env } from "../../src/env.ts";
import { Connections } from "./connections.ts";
import { type CloudDatabase, cloudDatabase } from "./d1.ts";
import { Memory } from "./memory.ts";
import { cloudQueue } from "./queue.ts";
import { cloudBucket } from "./r2.ts";

/** The bindings of one invocation, with the limits of the cloud. `memory` is that of its isolate. */
export function inCloud(env: Env, { memory = new Memory(), ...database }: CloudDatabase = {}): Env {
  const connections = new Connections();
  return {
    ...env,
    DB: cloudDatabase(env.DB, { memory, connections, ...database }),
    SPILL: cloudBucket(env.SPILL, { memory, connections }),
    INGEST_QUEUE: cloudQueue(env.INGEST_QUEUE),
    INGEST_DEAD_LETTERS: cloudQueue(env.INGEST_DEAD_LETTERS),
  };
}
