import { badRequest } from "../../http/errors.ts";
import { parseJson } from "../json.ts";
import { jsonErrorPosition } from "../json-error.ts";

/** What a Waldur web hook posts as JSON: one event, or an array of them. */
export function readWaldurJson(body: string): unknown[] {
  const value = parsed(body, "The body");
  return Array.isArray(value) ? value : [value];
}

/** The same events, one a line; blank lines are skipped. */
export function readNdjson(body: string): unknown[] {
  return body.split("\n").flatMap((line, index) => (line.trim() === "" ? [] : [parsed(line, `Line ${index + 1}`)]));
}

function parsed(text: string, what: string): unknown {
  try {
    return parseJson(text);
  } catch {
    const position = jsonErrorPosition(text);
    throw badRequest({ detail: `${what} is not valid JSON: error at character ${position}.`, position });
  }
}
