/** The smallest body that a route of the OpenAPI document takes, always the same one. */
import * as fc from "fast-check";
import { z } from "zod";
import type { OpenApiDocument } from "../../src/http/openapi/document.ts";

type Json = Readonly<Record<string, unknown>>;

const schemaOf = (value: unknown): Json => z.record(z.string(), z.unknown()).parse(value ?? {});
const schemasOf = (value: unknown): readonly Json[] => z.array(z.record(z.string(), z.unknown())).parse(value);
const numberOr = (value: unknown, fallback: number): number => (typeof value === "number" ? value : fallback);

function textOf({ pattern, format, minLength }: Json): string {
  if (format === "date-time") return "2100-01-01T00:00:00.000Z";
  if (typeof pattern !== "string") return "x".repeat(Math.max(1, numberOr(minLength, 1)));
  return fc.sample(fc.stringMatching(new RegExp(pattern, "u")), { numRuns: 1, seed: 1 })[0] ?? "";
}

/** A value that fits a schema of the document: required fields only, the first of several choices. */
function sampleOf(document: OpenApiDocument, schema: Json): unknown {
  const { $ref: reference, type } = schema;
  if (typeof reference === "string") {
    return sampleOf(document, schemaOf(document.components.schemas[reference.split("/").at(-1) ?? ""]));
  }
  if ("const" in schema) return schema["const"];
  if (Array.isArray(schema["enum"])) return z.array(z.unknown()).parse(schema["enum"])[0];
  const choices = schema["anyOf"] ?? schema["oneOf"];
  if (choices !== undefined) return sampleOf(document, schemasOf(choices)[0] ?? {});
  switch (Array.isArray(type) ? z.array(z.string()).parse(type)[0] : type) {
    case "string":
      return textOf(schema);
    case "integer":
    case "number":
      return numberOr(schema["minimum"], 1);
    case "boolean":
      return true;
    case "array":
      return Array.from({ length: numberOr(schema["minItems"], 0) }, () =>
        sampleOf(document, schemaOf(schema["items"])),
      );
    default: {
      const properties = schemaOf(schema["properties"]);
      const required = z.array(z.string()).parse(schema["required"] ?? []);
      return Object.fromEntries(required.map((name) => [name, sampleOf(document, schemaOf(properties[name]))]));
    }
  }
}

/** By route as Hono writes it, such as `POST /api/agents/:id/cancel`; routes that take no body are not among them. */
export function sampleBodies(document: OpenApiDocument): ReadonlyMap<string, unknown> {
  return new Map(
    Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, { requestBody }]): [string, unknown][] => {
        const [media] = Object.values(requestBody?.content ?? {});
        if (media === undefined) return [];
        const route = `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/gu, ":$1")}`;
        return [[route, sampleOf(document, schemaOf(media.schema))]];
      }),
    ),
  );
}
