import { createClient, createConfig } from "./generated/hey/client/index.ts";
import * as api from "./generated/hey/sdk.gen.ts";
import type { EventCount, EventStats, Event as WaldurEvent } from "./generated/hey/types.gen.ts";

// What somebody writes with @hey-api/openapi-ts, whose names are those of Waldur's own client. Prints what the server said.

const { BASE_URL: baseUrl = "", STAFF_TOKEN = "", INGEST_SECRET = "" } = process.env;
const client = createClient(createConfig({ baseUrl, auth: `Token ${STAFF_TOKEN}` }));
const sender = createClient(
  createConfig({ baseUrl, auth: ({ scheme }) => (scheme === "bearer" ? INGEST_SECRET : undefined) }),
);
const path = { producer: "local" };

const list = await api.eventsList({
  client,
  query: { created_from: 1_500_000_000, o: ["created"], page: 1, page_size: 2, field: ["uuid", "created"] },
});
const next = new URL(/<([^>]*)>; rel="next"/.exec(list.response?.headers.get("Link") ?? "")?.[1] ?? "");
const second = await api.eventsList({
  client,
  query: { created_from: 1_500_000_000, o: ["created"], page: next.searchParams.get("page") ?? "", page_size: 2 },
});
const events: WaldurEvent[] = list.data ?? [];
const uuid: string = events[0]?.uuid ?? "";
const head = await api.eventsCount({ client, query: { page_size: 1 } });
const one = await api.eventsRetrieve({ client, path: { id: uuid } });
const byNumber = await api.eventsRetrieve({ client, path: { id: 1 }, query: { field: ["id"] } });
const count = await api.eventsCountRetrieve({ client, query: { feature: ["users", "auth"] } });
const stats = await api.eventsStatsList({ client, query: { page_size: 300 } });
const groups = await api.eventsEventGroupsRetrieve({ client });
const types = await api.eventsScopeTypesRetrieve({ client });
const refused = await api.eventsList({ client, query: { created_from: 1e51 } });
const plain = await api.ingest({
  client: sender,
  path,
  body: { event_type: "user_activated", message: "Ada is active." },
});
const withContext = await api.ingest({
  client: sender,
  path,
  body: { event_type: "user_activated", message: "Ada is active.", context: { user_username: "ada", tries: 2 } },
});
const askForReceipt = () =>
  api.ingestReceipt({
    client: sender,
    path: { producer: "local", id: withContext.data?.receipts[0] ?? "" },
  });
let receipt = await askForReceipt();
while (receipt.data?.status === "accepted") receipt = await askForReceipt();
const counted: EventCount | undefined = count.data;
const months: EventStats[] = stats.data ?? [];

console.log(
  JSON.stringify({
    list: events.map((event) => Object.keys(event)),
    follows: second.data?.every(({ created = "" }) => created >= (events.at(-1)?.created ?? "")),
    head: [head.response?.status, Number(head.response?.headers.get("X-Result-Count")) > 20],
    one: [one.data?.uuid === uuid, typeof one.data?.context],
    byNumber: byNumber.data,
    count: (counted?.count ?? 0) > 0,
    stats: months.reduce((sum, month) => sum + month.count, 0) > 20,
    groups: groups.data?.ssh,
    types: types.data?.includes("structure.customer"),
    refused: [refused.response?.status, refused.error],
    ingest: [plain.data?.accepted, withContext.data?.accepted],
    receipt: receipt.data?.status,
  }),
);

/** Never called: the compiler must refuse each of these. */
export function mistakes() {
  return [
    // @ts-expect-error a text is no number of entries
    api.eventsList({ query: { page_size: "two" } }),
    // @ts-expect-error nothing else can be sorted by
    api.eventsList({ query: { o: ["user"] } }),
    // @ts-expect-error an event has no such field
    api.eventsList({ query: { field: ["nothing"] } }),
    // @ts-expect-error an event has a message
    api.ingest({ path, body: [{ event_type: "user_activated" }] }),
    // @ts-expect-error the type of an event is a text
    api.ingest({ path, body: { event_type: 5, message: "Ada is active." } }),
  ];
}
