import { Random } from "../support/random.ts";
import type { Census } from "./load.ts";
import type { Server } from "./server.ts";
import { isWanted, STAFF_TOKEN } from "./settings.ts";
import { type Line, type Play, workload } from "./workload.ts";

/** Rounds of a line, played twice: the first time an isolate sees a question it may need another round trip. */
const ROUNDS = 60;

export interface Sample {
  line: string;
  path: string;
  rowsRead: number;
  rowsWritten: number;
  trips: number;
  status: number;
  /** In the second playing: isolate and database have seen the question before. */
  warm: boolean;
}

/** Plays every line with many values; what each request cost. */
export async function playReads(server: Server, census: Census, seed: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (const warm of [false, true]) {
    for (const line of workload(census).filter(({ name }) => isWanted(name))) {
      await playLine(server, line, seed, warm, samples);
    }
  }
  return samples;
}

async function playLine(server: Server, line: Line, seed: number, warm: boolean, samples: Sample[]): Promise<void> {
  const random = new Random(seed);
  const play: Play = async (path, init = {}) => {
    const [target = "", uncharged] = path.split("#");
    const headers = { Authorization: `Token ${STAFF_TOKEN}`, ...init.headers };
    const response = await fetch(`${server.url}/api/events/${target}`, { ...init, headers });
    if (response.status >= 400) throw new Error(`${response.status} for ${target}: ${await response.text()}`);
    if (uncharged === undefined)
      samples.push({ line: line.name, path: target, warm, status: response.status, ...costOf(response) });
    return response;
  };
  for (let round = 0; round < ROUNDS; round++) await line.round(play, random);
}

function costOf(response: Response): { rowsRead: number; rowsWritten: number; trips: number } {
  const timing = response.headers.get("Server-Timing") ?? "";
  const part = (name: string) => Number(new RegExp(`${name};desc="(\\d+)"`).exec(timing)?.[1]);
  return { rowsRead: part("rows_read"), rowsWritten: part("rows_written"), trips: part("trips") };
}
