import * as v from "valibot";
import { Failure } from "./failure.ts";
import { LOCAL_PRODUCER } from "./secrets.ts";

const countResponse = v.object({ count: v.number() });

/** How the command line speaks to a running server. */
export interface Api {
  url: string;
  staffToken: string;
  ingestSecret: string;
}

export const ingestUrl = ({ url }: Pick<Api, "url">): string => `${url}/ingest/${LOCAL_PRODUCER}`;

export async function countEvents({ url, staffToken }: Api): Promise<number> {
  const headers = { Authorization: `Token ${staffToken}` };
  const response = await answered(await fetch(`${url}/api/events/count/`, { headers }), 200);
  return v.parse(countResponse, await response.json()).count;
}

/** `body`: a JSON array of events. */
export async function pushEvents(api: Api, body: string): Promise<void> {
  const headers = { Authorization: `Bearer ${api.ingestSecret}`, "Content-Type": "application/json" };
  const response = await answered(await fetch(ingestUrl(api), { method: "POST", headers, body }), 202);
  await response.arrayBuffer();
}

async function answered(response: Response, status: number): Promise<Response> {
  if (response.status === status) return response;
  throw new Failure(`${new URL(response.url).pathname} answered ${response.status}: ${await response.text()}`);
}
