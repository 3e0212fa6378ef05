import { type Format, parsed } from "./format.ts";

/** What a Waldur web hook posts as JSON: one event, or an array of them. */
export const readWaldurJson: Format = async (body) => {
  const value = parsed(await body.text(), "The body");
  return { drafts: (Array.isArray(value) ? value : [value]).map((event) => ({ value: event })) };
};
