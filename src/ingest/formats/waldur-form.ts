import { badRequest } from "../../http/errors.ts";
import { inOrder } from "../../values/json.ts";
import type { Format } from "./format.ts";

const FIELDS = ["uuid", "created", "event_type", "message"] as const;
const KNOWN: ReadonlySet<string> = new Set([...FIELDS, "context"]);
const JSON_INSTEAD = "This looks like JSON; send the header Content-Type: application/json.";

/**
 * The form that a Waldur web hook posts. It has only the keys of the context, `context=k1&context=k2`; they are kept
 * with null as value, and a warning says so. Throws 400 for JSON, to which `curl -d` gives the type of a form.
 */
export const readWaldurForm: Format = async (body) => {
  const text = await body.text();
  if (/^\s*[{[]/.test(text)) throw badRequest({ detail: JSON_INSTEAD });
  const form = new URLSearchParams(text);
  const keys = [...new Set(form.getAll("context"))];
  const fields = FIELDS.flatMap((name) => (form.has(name) ? [[name, form.get(name)]] : []));
  const value = Object.fromEntries([...fields, ["context", inOrder(keys.map((key) => [key, null]))]]);
  const unknown = [...new Set(form.keys())].filter((name) => !KNOWN.has(name));
  const drafts = [{ value, unknown }];
  if (keys.length === 0) return { drafts };
  const lost =
    keys.length === 1 ? "1 context key was stored with null" : `${keys.length} context keys were stored with null`;
  return { drafts, warnings: [`A form has no values of the context: ${lost}. Let the hook send JSON.`] };
};
