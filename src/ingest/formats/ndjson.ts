import { MAX_EVENTS } from "../event.ts";
import { type Draft, type Format, parsed } from "./format.ts";
import { jsonDraft } from "./waldur-json.ts";

/**
 * One event as JSON a line, read as the lines arrive; blank lines are skipped. Stops at one event too many.
 */
export const readNdjson: Format = async (body) => {
  const drafts: Draft[] = [];
  let number = 0;
  for await (const lines of body.lines()) {
    for (const line of lines) {
      number += 1;
      if (line.trim() === "") continue;
      drafts.push(jsonDraft(parsed(line, `Line ${number}`)));
      if (drafts.length > MAX_EVENTS) return { drafts };
    }
  }
  return { drafts };
};
