/** Requests made from the OpenAPI document: ones that fit it, and ones that almost do. */
import * as fc from "fast-check";
import { z } from "zod";
import { actingUserHeader, organizationHeader } from "../../src/contracts/http.ts";
import type { OpenApiDocument, OpenApiOperation } from "../../src/http/openapi/document.ts";
import { blnsStrings } from "./naughty-inputs.ts";

export interface FuzzRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Null sends no body. */
  readonly body: string | null;
}

interface FuzzOptions {
  readonly document: OpenApiDocument;
  /** Ids of things that are there. */
  readonly knownIds: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

const asSchema = (value: unknown): Json => z.record(z.string(), z.unknown()).parse(value ?? {});
const asSchemas = (value: unknown): readonly Json[] => z.array(z.record(z.string(), z.unknown())).parse(value);
const numberOr = (value: unknown, fallback: number): number => (typeof value === "number" ? value : fallback);

/** Texts that people send, and texts that nobody should. */
const anyText = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: "grapheme", maxLength: 40 }) },
  { weight: 2, arbitrary: fc.constantFrom(...blnsStrings) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 8 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("__proto__", "constructor", "\0", "\ud800", "../..", "%00", "null", "[object Object]"),
  },
);

/** JSON of any shape, with the names that code trips over. */
const anyJson = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    anyText,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(anyText, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

class Requests {
  readonly #options: FuzzOptions;

  constructor(options: FuzzOptions) {
    this.#options = options;
  }

  /** Values that fit a schema. */
  fitting(schema: Json): fc.Arbitrary<unknown> {
    if (typeof schema["$ref"] === "string") {
      return this.fitting(asSchema(this.#options.document.components.schemas[schema["$ref"].split("/").at(-1) ?? ""]));
    }
    if ("const" in schema) return fc.constant(schema["const"]);
    if (Array.isArray(schema["enum"])) return fc.constantFrom(...z.array(z.unknown()).parse(schema["enum"]));
    const choices = schema["anyOf"] ?? schema["oneOf"];
    if (choices !== undefined) return fc.oneof(...asSchemas(choices).map((choice) => this.fitting(choice)));
    if (Array.isArray(schema["type"])) {
      return fc.oneof(
        ...z
          .array(z.string())
          .parse(schema["type"])
          .map((type) => this.fitting({ ...schema, type })),
      );
    }
    switch (schema["type"]) {
      case "string":
        return textFitting(schema);
      case "integer":
        return fc.integer({
          min: numberOr(schema["minimum"], -1_000),
          max: Math.min(numberOr(schema["maximum"], 1_000), 2 ** 31),
        });
      case "number":
        return fc.double({ noNaN: true, noDefaultInfinity: true });
      case "boolean":
        return fc.boolean();
      case "null":
        return fc.constant(null);
      case "array": {
        const minLength = numberOr(schema["minItems"], 0);
        return fc.array(this.fitting(asSchema(schema["items"])), {
          minLength,
          maxLength: Math.min(minLength + 3, numberOr(schema["maxItems"], minLength + 3)),
        });
      }
      case "object":
        return this.#objectFitting(schema);
      default:
        return anyJson;
    }
  }

  #objectFitting(schema: Json): fc.Arbitrary<unknown> {
    const properties = asSchema(schema["properties"]);
    if (Object.keys(properties).length === 0) {
      return fc.dictionary(fc.string({ maxLength: 10 }), this.fitting(asSchema(schema["additionalProperties"])), {
        maxKeys: 4,
      });
    }
    const model = Object.fromEntries(
      Object.entries(properties).map(([name, part]) => [name, this.fitting(asSchema(part))]),
    );
    return fc.record(model, { requiredKeys: z.array(z.string()).parse(schema["required"] ?? []) });
  }

  /** What fits, and what was one mistake away from it. */
  almostFitting(schema: Json): fc.Arbitrary<unknown> {
    const fitting = this.fitting(schema);
    const broken = fc
      .tuple(fitting, fc.nat(20), fc.oneof(anyText, anyJson), anyText, fc.nat(3))
      .map(([value, index, replacement, name, how]) => {
        if (typeof value !== "object" || value === null || Array.isArray(value)) return replacement;
        const entries: [string, unknown][] = Object.entries(value);
        const at = entries.length === 0 ? 0 : index % entries.length;
        if (how === 0) return Object.fromEntries(entries.toSpliced(at, 1));
        if (how === 1) return Object.fromEntries([...entries, [name, replacement]]);
        return Object.fromEntries(entries.map(([key, part], position) => [key, position === at ? replacement : part]));
      });
    return fc.oneof(
      { weight: 2, arbitrary: fitting },
      { weight: 3, arbitrary: broken },
      { weight: 1, arbitrary: anyJson },
    );
  }

  of(path: string, operation: OpenApiOperation, isValid: boolean): fc.Arbitrary<FuzzRequest> {
    const parameters = fc.tuple(
      ...operation.parameters
        .filter(({ name }) => name !== organizationHeader && name !== actingUserHeader)
        .map((parameter) =>
          this.#parameter(parameter, isValid).map((text) => ({ in: parameter.in, name: parameter.name, text })),
        ),
    );
    const none: Record<string, string> = {};
    const extra = isValid ? fc.constant(none) : fc.dictionary(anyText, anyText, { maxKeys: 1 });
    return fc.tuple(parameters, extra, this.#body(operation, isValid)).map(([given, unknown, body]) => {
      const query = new URLSearchParams(
        Object.entries(unknown).map(([name, text]) => [name.toWellFormed(), text.toWellFormed()]),
      );
      const headers: Record<string, string> = body === null ? {} : { "content-type": "application/json" };
      let address = path;
      for (const { in: place, name, text } of given) {
        if (text === null) continue;
        if (place === "path") address = address.replace(`{${name}}`, encodeURIComponent(text.toWellFormed()) || "x");
        else if (place === "query") query.append(name, text.toWellFormed());
        else headers[name] = text.replaceAll(/[^\t\x20-\x7e\x80-\xff]/gu, "");
      }
      return { path: query.size === 0 ? address : `${address}?${query.toString()}`, headers, body };
    });
  }

  #parameter(
    { required, schema, in: place }: OpenApiOperation["parameters"][number],
    isValid: boolean,
  ): fc.Arbitrary<string | null> {
    const fitting = this.fitting(asSchema(schema)).map(String);
    const known = place === "path" ? [fc.constantFrom(...this.#options.knownIds)] : [];
    const given = isValid ? fc.oneof(fitting, ...known) : fc.oneof(fitting, anyText, ...known);
    return required ? given : fc.option(given, { nil: null });
  }

  #body({ requestBody }: OpenApiOperation, isValid: boolean): fc.Arbitrary<string | null> {
    if (requestBody === undefined) return fc.constant(null);
    const [media] = Object.values(requestBody.content ?? {});
    const schema = asSchema(media?.schema);
    const text = (isValid ? this.fitting(schema) : this.almostFitting(schema)).map(
      (value) => JSON.stringify(value) ?? "",
    );
    return requestBody.required ? text : fc.option(text, { nil: null });
  }
}

/** A text within the schema's bounds. */
function textFitting(schema: Json): fc.Arbitrary<string> {
  const { pattern, format } = schema;
  if (format === "date-time")
    return fc
      .date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true })
      .map((date) => date.toISOString());
  if (typeof pattern === "string")
    return fc
      .stringMatching(new RegExp(pattern, "u"))
      .filter((text) => text.length <= numberOr(schema["maxLength"], Infinity));
  const minLength = numberOr(schema["minLength"], 0);
  const maxLength = Math.min(numberOr(schema["maxLength"], 60), 60);
  return fc
    .string({ unit: "grapheme", minLength, maxLength })
    .filter((text) => text.length <= maxLength && text.trim().length >= minLength);
}

/** Requests of one operation: that fit the document, or that need not. */
export function fuzzRequests(
  options: FuzzOptions,
  at: { readonly path: string; readonly operation: OpenApiOperation; readonly isValid: boolean },
): fc.Arbitrary<FuzzRequest> {
  return new Requests(options).of(at.path, at.operation, at.isValid);
}
