/** A JSON Schema as people read it: a list of fields with their types and bounds. */
import { html } from "hono/html";
import type { JsonSchema } from "./component-schemas.ts";

/** What `html` makes: escaped markup. */
export type Markup = ReturnType<typeof html>;

const referencePrefix = "#/components/schemas/";

/** A text in which what stands between backquotes is code. */
export function proseOf(text: string): Markup {
  return html`${text.split("`").map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function schemasIn(value: unknown): readonly JsonSchema[] {
  return Array.isArray(value) ? value.filter(isSchema) : [];
}

/** Bounds and defaults, in words. */
function boundsOf(schema: JsonSchema): string {
  const { minLength, maxLength, minimum, maximum, minItems, maxItems, pattern, format } = schema;
  const safeMaximum = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  const safeMinimum = minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum;
  const words: readonly (readonly [string, string | number | undefined])[] = [
    ["", format],
    ["at least", safeMinimum],
    ["at most", safeMaximum],
    ["characters at least", minLength],
    ["characters at most", maxLength],
    ["items at least", minItems],
    ["items at most", maxItems],
    ["like", format === undefined ? pattern : undefined],
    ["default", "default" in schema ? JSON.stringify(schema.default) : undefined],
  ];
  return words.flatMap(([word, value]) => (value === undefined ? [] : [`${word} ${value}`.trim()])).join(" · ");
}

/** The type in a few words; references lead to the named schemas. */
function typeOf(schema: JsonSchema): Markup {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.replace(referencePrefix, "");
    return html`<a href="#schema-${name}">${name}</a>`;
  }
  const choices = schemasIn(schema.anyOf ?? schema.oneOf);
  if (choices.length > 0)
    return html`${choices.map((choice, index) => html`${index === 0 ? "" : " | "}${typeOf(choice)}`)}`;
  if (schema.enum !== undefined) return html`${schema.enum.map((value) => JSON.stringify(value)).join(" | ")}`;
  if (schema.const !== undefined) return html`${JSON.stringify(schema.const)}`;
  if (isSchema(schema.items)) return html`list of ${typeOf(schema.items)}`;
  if (schema.type === "object" && isSchema(schema.additionalProperties) && schema.properties === undefined) {
    return html`map to ${typeOf(schema.additionalProperties)}`;
  }
  const { type = "any JSON value" } = schema;
  return html`${Array.isArray(type) ? type.join(" | ") : type}`;
}

/** The fields of an object, of a list's items, of a map's values, or of each choice, nested as they are. */
function fieldsOf(schema: JsonSchema): Markup {
  const parts = [schema.items, schema.additionalProperties].filter(isSchema);
  const nested = [...schemasIn(schema.anyOf ?? schema.oneOf), ...parts].map(fieldsOf);
  const required = new Set(schema.required);
  const fields = Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
    isSchema(field) ? [fieldOf(name, field, required.has(name))] : [],
  );
  return html`${
    fields.length === 0
      ? ""
      : html`<ul class="fields">
          ${fields}
        </ul>`
  }${nested}`;
}

function fieldOf(name: string, schema: JsonSchema, isRequired: boolean): Markup {
  return html`<li>
    <code>${name}</code> <span class="type">${typeOf(schema)}</span>
    <small>${isRequired ? "required" : "optional"} ${boundsOf(schema)}</small>
    ${schema.description === undefined ? "" : html`<p>${proseOf(schema.description)}</p>`}${fieldsOf(schema)}
  </li>`;
}

/** One value, such as a parameter's or a list's: its type, bounds and what is in it. */
export function valueOfSchema(schema: JsonSchema): Markup {
  return html`<span class="type">${typeOf(schema)}</span> <small>${boundsOf(schema)}</small>${fieldsOf(schema)}`;
}
