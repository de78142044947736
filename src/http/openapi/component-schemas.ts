/** JSON Schemas of the contract's zod schemas, which share what has a name. */
import { z } from "zod";

/** JSON Schema 2020-12, the dialect of OpenAPI 3.1. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

export interface ComponentSchemas {
  /** What each schema reads as where it is used: in full, or as a reference. */
  readonly of: (schema: z.ZodType) => JsonSchema;
  /** The named schemas that those references lead to. */
  readonly named: Readonly<Record<string, JsonSchema>>;
}

const definitions = "#/$defs/";

/** What a request may hold is exact; an answer may get more fields with time, so its objects stay open. */
function refine(io: "input" | "output", jsonSchema: JsonSchema): void {
  if (io === "input") return;
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
  delete jsonSchema.default;
}

/** References from zod's own place for named schemas to OpenAPI's. */
function relocated(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(relocated);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]: [string, unknown]) =>
      key === "$ref" && typeof part === "string"
        ? [key, part.replace(definitions, "#/components/schemas/")]
        : [key, relocated(part)],
    ),
  );
}

/**
 * The JSON Schemas of everything that is taken (`input`) or answered (`output`), made in one go. A schema is named by the
 * `id` of its metadata.
 */
export function componentSchemas(schemas: ReadonlySet<z.ZodType>, io: "input" | "output"): ComponentSchemas {
  const keys = new Map([...schemas].map((schema, index) => [schema, `s${index}`] as const));
  const all = z.object(Object.fromEntries([...keys].map(([schema, key]) => [key, schema])));
  const converted = z.toJSONSchema(all, {
    io,
    unrepresentable: "any",
    override: ({ jsonSchema }) => {
      refine(io, jsonSchema);
    },
  });
  const used = objectOf(relocated(converted.properties));
  const named = objectOf(relocated(converted.$defs));
  return {
    of: (schema) => used[keys.get(schema) ?? ""] ?? {},
    named: Object.fromEntries(Object.entries(named).map(([name, { id: _id, ...schema }]) => [name, schema])),
  };
}

function objectOf(value: unknown): Readonly<Record<string, JsonSchema>> {
  return z.record(z.string(), z.record(z.string(), z.unknown())).parse(value ?? {});
}
