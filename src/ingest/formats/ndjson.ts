import { MAX_EVENTS } from "../event.ts";
import { type Draft, type Format, parsed } from "./format.ts";

/** Waldur's events, one a line, each read as it arrives; blank lines are skipped. Reads no further than one too many. */
export const readNdjson: Format = async (body) => {
  const drafts: Draft[] = [];
  let number = 0;
  for await (const line of body.lines()) {
    number += 1;
    if (line.trim() === "") continue;
    drafts.push({ value: parsed(line, `Line ${number}`) });
    if (drafts.length > MAX_EVENTS) break;
  }
  return { drafts };
};
