import createClient from "openapi-fetch";
import type { paths } from "./generated/api.d.ts";

// What somebody writes with openapi-typescript and openapi-fetch. Prints what the server said.

const { BASE_URL: baseUrl = "", STAFF_TOKEN = "", INGEST_SECRET = "" } = process.env;
const reader = createClient<paths>({ baseUrl, headers: { Authorization: `Token ${STAFF_TOKEN}` } });
const sender = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${INGEST_SECRET}` } });
const producer = { path: { producer: "local" } };

const list = await reader.GET("/api/events/", {
  params: { query: { created_from: 1_500_000_000, o: ["created"], page: 1, page_size: 2, field: ["uuid", "created"] } },
});
const next = new URL(/<([^>]*)>; rel="next"/.exec(list.response.headers.get("Link") ?? "")?.[1] ?? "");
const second = await reader.GET("/api/events/", {
  params: {
    query: { created_from: 1_500_000_000, o: ["created"], page: next.searchParams.get("page") ?? "", page_size: 2 },
  },
});
const [first] = list.data ?? [];
const uuid: string = first?.uuid ?? "";
const head = await reader.HEAD("/api/events/", { params: { query: { page_size: 1 } } });
const one = await reader.GET("/api/events/{id}/", { params: { path: { id: uuid } } });
const byNumber = await reader.GET("/api/events/{id}/", { params: { path: { id: 1 }, query: { field: ["id"] } } });
const count = await reader.GET("/api/events/count/", { params: { query: { feature: ["users", "auth"] } } });
const stats = await reader.GET("/api/events-stats/", { params: { query: { page_size: 300 } } });
const groups = await reader.GET("/api/events/event_groups/");
const types = await reader.GET("/api/events/scope_types/");
const refused = await reader.GET("/api/events/", { params: { query: { created_from: 1e51 } } });
const plain = await sender.POST("/ingest/{producer}", {
  params: producer,
  body: { event_type: "user_activated", message: "Ada is active." },
});
const withContext = await sender.POST("/ingest/{producer}", {
  params: producer,
  body: { event_type: "user_activated", message: "Ada is active.", context: { user_username: "ada", tries: 2 } },
});
const askForReceipt = () =>
  sender.GET("/ingest/{producer}/receipts/{id}", {
    params: { path: { producer: "local", id: withContext.data?.receipts[0] ?? "" } },
  });
let receipt = await askForReceipt();
while (receipt.data?.status === "accepted") receipt = await askForReceipt();
const months: { year: number; month: number; count: number }[] = stats.data ?? [];

console.log(
  JSON.stringify({
    list: list.data?.map((event) => Object.keys(event)),
    follows: second.data?.every(({ created = "" }) => created >= (list.data?.at(-1)?.created ?? "")),
    head: [head.response.status, Number(head.response.headers.get("X-Result-Count")) > 20],
    one: [one.data?.uuid === uuid, typeof one.data?.context],
    byNumber: byNumber.data,
    count: (count.data?.count ?? 0) > 0,
    stats: months.reduce((sum, month) => sum + month.count, 0) > 20,
    groups: groups.data?.ssh,
    types: types.data?.includes("structure.customer"),
    refused: [refused.response.status, refused.error],
    ingest: [plain.data?.accepted, withContext.data?.accepted],
    receipt: receipt.data?.status,
  }),
);

/** Never called: the compiler must refuse each of these. */
export function mistakes() {
  return [
    // @ts-expect-error a text is no number of entries
    reader.GET("/api/events/", { params: { query: { page_size: "two" } } }),
    // @ts-expect-error nothing else can be sorted by
    reader.GET("/api/events/", { params: { query: { o: ["user"] } } }),
    // @ts-expect-error an event has no such field
    reader.GET("/api/events/", { params: { query: { field: ["nothing"] } } }),
    // @ts-expect-error an event has a message
    sender.POST("/ingest/{producer}", { params: producer, body: [{ event_type: "user_activated" }] }),
    // @ts-expect-error the type of an event is a text
    sender.POST("/ingest/{producer}", { params: producer, body: { event_type: 5, message: "Ada is active." } }),
  ];
}
