import { type ConversionConfig, toJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import { type HeaderName, headersOf } from "./openapi-headers.ts";

export { COMMON, type HeaderName, RATE_LIMIT, responseHeaders } from "./openapi-headers.ts";

/** A part of an OpenAPI document. */
export type Json = Record<string, unknown>;

/** A reference to a part below `components`. */
export const ref = (kind: "schemas" | "parameters" | "responses", name: string) => ({
  $ref: `#/components/${kind}/${name}`,
});

/** A segment of the path as a parameter. */
export const pathParameter = (
  name: string,
  description: string,
  example: string,
  schema: Json = { type: "string" },
) => ({
  name,
  in: "path",
  required: true,
  description,
  schema,
  example,
});

/** A header of a request. */
export const headerParameter = (name: string, description: string, schema: Json = { type: "string" }) => ({
  name,
  in: "header",
  required: false,
  description,
  schema,
});

/** The entries of a schema as query parameters; arrays are repeated (`explode`). */
export function queryParameters(schema: v.ObjectSchema<v.ObjectEntries, undefined>): Json[] {
  return Object.entries(schema.entries).map(([name, entry]) => {
    const { description, ...rest } = jsonSchema(entry);
    return { name, in: "query", required: false, description, schema: rest };
  });
}

/**
 * What clients send is described, so transformations and checks that JSON Schema has no word for are left out, and so are
 * defaults, which generated types take for a value that is always there. Actions `v.metadata` add to the schema as it is.
 */
export function jsonSchema(schema: v.GenericSchema): Json {
  const config: ConversionConfig = {
    typeMode: "input",
    errorMode: "ignore",
    overrideSchema: ({ valibotSchema: { type }, jsonSchema: converted }) => {
      if (type === "custom") return { type: "object", additionalProperties: true };
      if (type !== "optional") return undefined;
      const { default: _, ...rest } = converted;
      return rest;
    },
  };
  const { $schema: _, ...rest } = toJsonSchema(schema, { ...config, target: "draft-2020-12" });
  return rest;
}

/** A response before it is written out. Without a schema it has no content. */
export interface Answer {
  description: string;
  headers: readonly HeaderName[];
  schema?: Json;
  example?: unknown;
}

/** A response of an operation, with its content in JSON. */
export const response = ({ description, headers, schema, example }: Answer): Json => ({
  description,
  headers: headersOf(headers),
  ...(schema ? { content: { "application/json": { schema, example } } } : {}),
});

/** The same response to HEAD. */
export const withoutContent = ({ description, headers }: Answer): Json => response({ description, headers });

/** An error with a sentence in `detail`. */
export const detailAnswer = (description: string, headers: readonly HeaderName[], detail: string): Answer => ({
  description,
  headers,
  schema: ref("schemas", "Detail"),
  example: { detail },
});

/** The body of most errors. */
export const detail = v.object({ detail: v.pipe(v.string(), v.description("A sentence about the error.")) });
