import type { Format } from "./format.ts";

const FIELDS = ["uuid", "created", "event_type", "message"] as const;

/**
 * What a Waldur web hook posts as a form: of the context only the keys, `context=k1&context=k2`. They are kept with null
 * for a value, and the answer says so.
 */
export const readWaldurForm: Format = async (body) => {
  const form = new URLSearchParams(await body.text());
  const keys = [...new Set(form.getAll("context"))];
  const fields = FIELDS.flatMap((name) => (form.has(name) ? [[name, form.get(name)]] : []));
  const value = Object.fromEntries([...fields, ["context", Object.fromEntries(keys.map((key) => [key, null]))]]);
  if (keys.length === 0) return { drafts: [{ value }] };
  const told =
    keys.length === 1 ? "1 context key was stored with null" : `${keys.length} context keys were stored with null`;
  return { drafts: [{ value }], warnings: [`A form has no values of the context: ${told}. Let the hook send JSON.`] };
};
