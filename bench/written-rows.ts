/** Finds out which rows a change wrote, by comparing the database before and after it. */
import { globSync } from "node:fs";
import path from "node:path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import type { RowTemplate, ValueTemplate } from "./workers/row-template.ts";

/** A table's rows, each under the text of all its values. */
type Snapshot = ReadonlyMap<string, ReadonlyMap<string, Readonly<Record<string, SQLOutputValue>>>>;

/** Ids and keys: whatever of a row must be another in the next one, so that it is a new row. */
const uniqueParts = /[0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gu;

/** The only database of a class of objects. Throws when there is not exactly one. */
export function onlyDatabase(storageDirectory: string, uniqueKey: string): string {
  const directory = path.join(storageDirectory, uniqueKey);
  const [file, ...others] = globSync("*.sqlite", { cwd: directory }).filter((name) => !name.startsWith("metadata"));
  if (file === undefined || others.length > 0) throw new Error(`${directory} does not hold exactly one database`);
  return path.join(directory, file);
}

export function snapshotOf(file: string): Snapshot {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .all()
      .map(({ name }) => String(name))
      .filter((name) => name !== "_cf_METADATA");
    return new Map(
      tables.map((table) => {
        const rows = database.prepare(`SELECT * FROM "${table}"`).all();
        return [table, new Map(rows.map((row) => [JSON.stringify(row), { ...row }]))];
      }),
    );
  } finally {
    database.close();
  }
}

/** What must be written to write these rows again, with the same number of bytes, as new ones. */
export function writtenRows(before: Snapshot, after: Snapshot, counters: readonly string[]): readonly RowTemplate[] {
  return [...after].flatMap(([table, rows]) =>
    [...rows]
      .filter(([text]) => before.get(table)?.has(text) !== true)
      .map(([, row]) => ({
        table,
        columns: Object.keys(row),
        values: Object.entries(row).map(([column, value]) =>
          templateOf(value, counters.includes(`${table}.${column}`)),
        ),
      })),
  );
}

function templateOf(value: SQLOutputValue, isCounter: boolean): ValueTemplate {
  if (isCounter) return { kind: "counter" };
  if (typeof value === "string") return { kind: "text", parts: value.split(uniqueParts) };
  if (value instanceof Uint8Array) return { kind: "text", parts: ["x".repeat(value.byteLength)] };
  return { kind: "number", value: value === null ? null : Number(value) };
}
