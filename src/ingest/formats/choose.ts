import { HttpError } from "../../http/errors.ts";
import { readBinaryCloudEvent, readCloudEvent, readCloudEvents } from "./cloudevents.ts";
import type { Format } from "./format.ts";
import { readNdjson } from "./ndjson.ts";
import { readWaldurForm } from "./waldur-form.ts";
import { readWaldurJson } from "./waldur-json.ts";

/** Content type → how its body is read. */
export const FORMATS: Readonly<Record<string, Format>> = {
  "application/json": readWaldurJson,
  "application/x-ndjson": readNdjson,
  "application/x-www-form-urlencoded": readWaldurForm,
  "application/cloudevents+json": readCloudEvent,
  "application/cloudevents-batch+json": readCloudEvents,
};

/** The format of a request: a CloudEvent in binary mode has its version in a header and any content type. Throws 415. */
export function chooseFormat(headers: Headers): Format {
  const mediaType = headers.get("Content-Type")?.split(";")[0]?.trim().toLowerCase() ?? "application/json";
  if (headers.has("ce-specversion") && !mediaType.startsWith("application/cloudevents")) return readBinaryCloudEvent;
  const format = Object.hasOwn(FORMATS, mediaType) ? FORMATS[mediaType] : undefined;
  if (format) return format;
  const supported = Object.keys(FORMATS);
  const detail = `Content-Type must be one of: ${supported.join(", ")}; or any with the header ce-specversion.`;
  throw new HttpError(415, { detail, supported });
}
