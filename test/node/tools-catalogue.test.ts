import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { findTool, inputJsonSchema, toolDefinitionsJson, tools, type ToolName } from "../../src/tools/registry.ts";

const folder = join(import.meta.dirname, "../../src/tools");
const toolFiles = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap((entry) => readdirSync(join(folder, entry.name)))
  .map((file) => file.replace(/\.ts$/u, ""));
const catalogue = Object.entries(tools);
const names = Object.values(tools).map(({ name }) => name);

/** The parts of a JSON Schema that this test walks. */
interface SchemaNode {
  readonly type?: string | readonly string[] | undefined;
  readonly description?: string | undefined;
  readonly additionalProperties?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>> | undefined;
  readonly items?: SchemaNode | undefined;
}
const schemaNode: z.ZodType<SchemaNode> = z.object({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  description: z.string().optional(),
  additionalProperties: z.unknown().optional(),
  get properties() {
    return z.record(z.string(), schemaNode).optional();
  },
  get items() {
    return schemaNode.optional();
  },
});

function objectsIn(schema: SchemaNode): SchemaNode[] {
  const inner = [...Object.values(schema.properties ?? {}), ...(schema.items === undefined ? [] : [schema.items])];
  return [...(schema.type === "object" ? [schema] : []), ...inner.flatMap(objectsIn)];
}

describe("the catalogue of tools", () => {
  it("has one file for each tool, of the same name", () => {
    expect(toolFiles.sort()).toEqual(names.map((name) => name.replaceAll("_", "-")).sort());
    expect(catalogue.filter(([key, tool]) => key !== tool.name)).toEqual([]);
  });

  it.each(catalogue)("%s is described well enough, and not at length", (name, tool) => {
    expect(name).toMatch(/^[a-z][a-z_]{2,40}$/u);
    expect(tool.description.length).toBeGreaterThan(60);
    expect(tool.description.length).toBeLessThan(400);
    expect(["read", "propose", "act"]).toContain(tool.access);
  });

  it.each(catalogue)("%s takes an object that the API accepts, with every field described", (_, tool) => {
    const schema = schemaNode.parse(inputJsonSchema(tool));
    expect(schema.type).toBe("object");
    for (const object of objectsIn(schema)) expect(object.additionalProperties).toBe(false);
    for (const field of Object.values(schema.properties ?? {})) expect(field.description).toBeTruthy();
    expect(JSON.stringify(schema)).not.toContain("$schema");
  });

  it("reads as the same bytes whatever the order of the names", () => {
    const some: ToolName[] = ["read_file", "finish", "edit_file"];
    const text = toolDefinitionsJson(some);
    expect(toolDefinitionsJson([...some].reverse())).toBe(text);
    expect(toolDefinitionsJson([...some, "finish"])).toBe(text);
    const definitions = z.array(
      z.strictObject({ name: z.string(), description: z.string(), input_schema: z.looseObject({}) }),
    );
    expect(definitions.parse(JSON.parse(text)).map(({ name }) => name)).toEqual(["edit_file", "finish", "read_file"]);
  });

  it("fits all tools into a small part of a prompt", () => {
    expect(toolDefinitionsJson(names).length).toBeLessThan(8_000);
  });

  it("knows no inherited names", () => {
    expect(["constructor", "toString", "__proto__"].map(findTool)).toEqual([null, null, null]);
  });
});
