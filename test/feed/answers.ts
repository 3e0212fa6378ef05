import type { Message } from "./collector.ts";

/** The ways to ask for the feed: a page, a long poll, a stream of events, lines, and the list with `after`. */
export const WAYS = ["page", "poll", "stream", "lines", "list"] as const;
export type Way = (typeof WAYS)[number];

/** Messages with the offset after them, which a client stores together. */
export interface Part {
  messages: Message[];
  offset: string;
  isUpToDate: boolean;
  /** As printed; undefined while it is unknown. */
  completeThrough: string | undefined;
}

/** Sends a GET. */
export type Ask = (path: string, headers?: Record<string, string>) => Promise<Response>;

/** `filter`: a query string without its question mark. `parts`: of a stream, the most that are read of it. */
export interface Asked {
  way: Way;
  offset: string;
  limit: number | undefined;
  filter: string;
  parts?: number;
}

/** Asks once. Without parts when the status is not 200 or 204, and when the answer was cut. */
export async function answerTo(ask: Ask, asked: Asked): Promise<{ status: number; parts: Part[] }> {
  const response = await ask(pathOf(asked), asked.way === "lines" ? { Accept: "application/x-ndjson" } : {});
  const { status } = response;
  if (status === 204) return { status, parts: [partOf(response, [])] };
  if (status !== 200) {
    await response.body?.cancel();
    return { status, parts: [] };
  }
  if (asked.way === "stream") return { status, parts: await partsOfStream(response, asked.parts ?? 1) };
  if (asked.way === "lines")
    return { status, parts: partsOfLines(new TextDecoder().decode(await response.arrayBuffer())) };
  const messages = await response.json<Message[]>();
  return { status, parts: [asked.way === "list" ? listed(response, messages) : partOf(response, messages)] };
}

function pathOf({ way, offset, limit, filter }: Asked): string {
  const size = (name: string) => (limit === undefined ? "" : `&${name}=${limit}`);
  if (way === "list") return `/api/events/?after=${offset}${size("page_size")}&${filter}`;
  const live = way === "poll" ? "&live=long-poll" : way === "stream" ? "&live=sse" : "";
  return `/api/events/feed/?offset=${offset}${size("limit")}${live}&${filter}`;
}

function partOf({ headers }: Response, messages: Message[]): Part {
  const isUpToDate = headers.get("Stream-Up-To-Date") === "true";
  const completeThrough = headers.get("Stream-Complete-Through") ?? undefined;
  return { messages, offset: headers.get("Stream-Next-Offset") ?? "", isUpToDate, completeThrough };
}

/** The offset is in the link. */
function listed(response: Response, messages: Message[]): Part {
  const [, link = ""] = /<([^>]+)>; rel="next"/.exec(response.headers.get("Link") ?? "") ?? [];
  return { ...partOf(response, messages), offset: new URL(link).searchParams.get("after") ?? "" };
}

/** What a control message says, in lines and in a stream. */
interface Control {
  streamNextOffset: string;
  upToDate?: boolean;
  streamCompleteThrough?: string;
}

const controlled = (messages: Message[], control: Control): Part => ({
  messages,
  offset: control.streamNextOffset,
  isUpToDate: control.upToDate === true,
  completeThrough: control.streamCompleteThrough,
});

/** None when the last line is missing. */
function partsOfLines(text: string): Part[] {
  const lines: (Message & Partial<Control>)[] = text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const { streamNextOffset, ...control } = lines.pop() ?? {};
  return streamNextOffset === undefined ? [] : [controlled(lines, { ...control, streamNextOffset })];
}

/** The first parts of a stream, which is cancelled then. */
async function partsOfStream(response: Response, most: number): Promise<Part[]> {
  const parts: Part[] = [];
  let [text, messages]: [string, Message[]] = ["", []];
  const reader = (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
  while (parts.length < most) {
    const { done, value } = await reader.read();
    if (done) return parts;
    const events = (text + value).split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const [, name, data = ""] = /^event: (\w+)\ndata: (.*)$/m.exec(event) ?? [];
      if (name === "data") messages = JSON.parse(data);
      if (name !== "control") continue;
      parts.push(controlled(messages, JSON.parse(data)));
      messages = [];
    }
  }
  await reader.cancel();
  return parts;
}
