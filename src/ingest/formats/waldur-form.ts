import type { Format } from "./format.ts";

const FIELDS = ["uuid", "created", "event_type", "message"] as const;

/**
 * The form that a Waldur web hook posts. It has only the keys of the context, `context=k1&context=k2`; they are kept
 * with null as value, and a warning says so.
 */
export const readWaldurForm: Format = async (body) => {
  const form = new URLSearchParams(await body.text());
  const keys = [...new Set(form.getAll("context"))];
  const fields = FIELDS.flatMap((name) => (form.has(name) ? [[name, form.get(name)]] : []));
  const value = Object.fromEntries([...fields, ["context", Object.fromEntries(keys.map((key) => [key, null]))]]);
  if (keys.length === 0) return { drafts: [{ value }] };
  const lost =
    keys.length === 1 ? "1 context key was stored with null" : `${keys.length} context keys were stored with null`;
  return { drafts: [{ value }], warnings: [`A form has no values of the context: ${lost}. Let the hook send JSON.`] };
};
