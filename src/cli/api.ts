import { Failure } from "./failure.ts";
import { LOCAL_PRODUCER } from "./secrets.ts";

/** The address of a running server, and the secret of the local producer. */
export interface Api {
  url: string;
  ingestSecret: string;
}

export const ingestUrl = ({ url }: Pick<Api, "url">): string => `${url}/ingest/${LOCAL_PRODUCER}`;

/** Sends events to the webhook. `body` is a JSON array. */
export async function pushEvents(api: Api, body: string): Promise<void> {
  const headers = { Authorization: `Bearer ${api.ingestSecret}`, "Content-Type": "application/json" };
  const response = await withStatus(202, await fetch(ingestUrl(api), { method: "POST", headers, body }));
  await response.arrayBuffer();
}

/** Returns the response. Throws a Failure when it has another status. */
async function withStatus(status: number, response: Response): Promise<Response> {
  if (response.status === status) return response;
  const { pathname } = new URL(response.url);
  throw new Failure(`${pathname} returned ${response.status}, not ${status}: ${await response.text()}`);
}
