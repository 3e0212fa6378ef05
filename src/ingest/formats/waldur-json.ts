import { type Format, parsed } from "./format.ts";

/** The JSON that a Waldur web hook posts: one event, or an array of events. */
export const readWaldurJson: Format = async (body) => {
  const value = parsed(await body.text(), "The body");
  return { drafts: (Array.isArray(value) ? value : [value]).map((event) => ({ value: event })) };
};
