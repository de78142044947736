import { z } from "zod";

/** A JSON answer, as a route declares it. */
export function jsonContent<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { "application/json": { schema } } };
}

/** A read of one thing: JSON with an entity tag, or nothing new. */
export function singleContent<Schema extends z.ZodType>(schema: Schema, description: string) {
  const headers = z.object({ ETag: z.string() });
  return {
    200: { ...jsonContent(schema, description), headers },
    304: { description: "What `If-None-Match` names still holds", headers },
  };
}

/** A JSON body that may be left out, as a route declares it; it then reads as an empty object. */
export function optionalJsonBody<Schema extends z.ZodType>(schema: Schema) {
  return { required: false, content: { "application/json": { schema } } };
}

/** A JSON body that must be there, as a route declares it. */
export function jsonBody<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { "application/json": { schema } } };
}

/** An answer whose handler writes it as text, as a route declares it. */
export function textContent(mediaType: string, description: string, schema: z.ZodType = z.string()) {
  return { description, content: { [mediaType]: { schema } } };
}
