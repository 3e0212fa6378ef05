import { HttpError } from "../../http/errors.ts";
import type { FormatName } from "../producers/schemes.ts";
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

const MEDIA_TYPES: Readonly<Record<FormatName, string>> = {
  json: "application/json",
  ndjson: "application/x-ndjson",
  form: "application/x-www-form-urlencoded",
  cloudevents: "application/cloudevents+json",
  "cloudevents-batch": "application/cloudevents-batch+json",
};

/**
 * The format of a request. That of its producer, if it has one; else the one that Content-Type names, or a CloudEvent in
 * binary mode, which has its version in a header and any content type. Throws 415.
 */
export function chooseFormat(headers: Headers, fixed: FormatName | undefined): Format {
  const mediaType = headers.get("Content-Type")?.split(";")[0]?.trim().toLowerCase();
  if (fixed !== undefined) return fixedFormat(mediaType, fixed);
  const isBinary = headers.has("ce-specversion") && !mediaType?.startsWith("application/cloudevents");
  if (isBinary) return readBinaryCloudEvent;
  const named = mediaType ?? MEDIA_TYPES.json;
  const format = Object.hasOwn(FORMATS, named) ? FORMATS[named] : undefined;
  if (format) return format;
  const supported = Object.keys(FORMATS);
  const detail = `Content-Type must be one of: ${supported.join(", ")}; or any with the header ce-specversion.`;
  throw new HttpError(415, { detail, supported });
}

function fixedFormat(mediaType: string | undefined, fixed: FormatName): Format {
  const supported = [MEDIA_TYPES[fixed]];
  const format = FORMATS[MEDIA_TYPES[fixed]];
  if (format && (mediaType === undefined || supported.includes(mediaType))) return format;
  throw new HttpError(415, { detail: `Content-Type must be ${supported}, the format of this producer.`, supported });
}
