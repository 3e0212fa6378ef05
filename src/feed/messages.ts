import type { Entry } from "../events/log/follow.ts";
import { eventJson, fieldText } from "../events/representation.ts";
import { printTime } from "../values/time.ts";
import { csvRecord } from "./csv.ts";
import { hiddenId } from "./offset.ts";

/** How messages are printed. A list has new events only. */
export type Format = "json" | "csv" | "list";
export type PrintMessage = (entry: Entry) => Promise<string | undefined>;

/** A function that prints messages with these fields. `key`: the secret of the feed, for a reader who does not know ids. */
export function messagePrinter(format: Format, fields: readonly string[], key: string | undefined): PrintMessage {
  const print = { json: jsonMessage, csv: csvRow, list: listedEvent }[format];
  return async (entry) => {
    const id = idOf(entry);
    return print(entry, fields, id === undefined || key === undefined ? id : await hiddenId(id, key));
  };
}

function idOf(entry: Entry): number | undefined {
  if (entry.op === "period") return entry.idFrom;
  return entry.op === "removed" ? entry.id : entry.event.id;
}

/** An id as it is shown: a number, or a text for a reader who does not know ids. */
type Id = number | string | undefined;

function jsonMessage(entry: Entry, fields: readonly string[], id: Id): string {
  if (entry.op === "period")
    return JSON.stringify({ op: "removed", created_before: printTime(entry.createdBefore), id_from: id });
  if (entry.op === "removed") return JSON.stringify({ op: "removed", id, uuid: entry.uuid });
  const op = entry.op === "event" ? "" : `"op":"${entry.op}",`;
  return `{${op}"id":${JSON.stringify(id)},${eventJson(entry.event, fields).slice(1)}`;
}

const listedEvent = (entry: Entry, fields: readonly string[]): string | undefined =>
  entry.op === "event" ? eventJson(entry.event, fields) : undefined;

/** One record: the operation, the id, and the fields as text. */
function csvRow(entry: Entry, fields: readonly string[], id: Id = ""): string {
  const none = fields.map(() => "");
  if (entry.op === "period") return csvRecord(["removed", "", printTime(entry.createdBefore), String(id), ...none]);
  const uuid = (field: string) => (field === "uuid" && entry.op === "removed" ? entry.uuid : "");
  const cells = entry.op === "removed" ? fields.map(uuid) : fields.map((field) => fieldText(entry.event, field));
  return csvRecord([entry.op, String(id), "", "", ...cells]);
}

/** The names of the columns of a table. */
export const csvHeader = (fields: readonly string[]): string =>
  csvRecord(["op", "id", "created_before", "id_from", ...fields]);

/** The last record of a table: where to go on, in the column of the ids. */
export const csvEnd = (fields: readonly string[], offset: string): string =>
  csvRecord(["end", offset, "", "", ...fields.map(() => "")]);
