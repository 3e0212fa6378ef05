import { type ConversionConfig, toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";

/** A part of an OpenAPI document. */
export type Json = Record<string, unknown>;

/** A JSON body with a schema of the document. */
export const content = (schema: string) => ({
  "application/json": { schema: { $ref: `#/components/schemas/${schema}` } },
});

/** A segment of the path as a parameter. */
export const pathParameter = (name: string, description = "") => ({
  name,
  in: "path",
  required: true,
  description,
  schema: { type: "string" },
});
/** The entries of a schema as query parameters; arrays are repeated (`explode`). */
export function queryParameters(
  schema: v.ObjectSchema<v.ObjectEntries, undefined>,
  descriptions: Record<string, string> = {},
): Json[] {
  return Object.entries(schema.entries).map(([name, entry]) => {
    const { description, ...rest } = jsonSchema(entry);
    return { name, in: "query", required: false, description: descriptions[name] ?? description, schema: rest };
  });
}

/** What clients send is described, so transformations and checks that JSON Schema has no word for are left out. */
export function jsonSchema(schema: v.GenericSchema): Json {
  const config: ConversionConfig = {
    typeMode: "input",
    errorMode: "ignore",
    overrideSchema: ({ valibotSchema }) => (valibotSchema.type === "custom" ? { type: "object" } : undefined),
  };
  const { $schema: _, ...rest } = toJsonSchema(schema, { ...config, target: "draft-2020-12" });
  return rest;
}
