/** Floors of a submission: the same rows and bytes in one bare transaction, and one bare insert. */
import { DurableObject } from "cloudflare:workers";
import { organizationMigrations } from "../../src/durable-objects/organization/schema.ts";
import { keyValueTable, type RowTemplate, type ValueTemplate } from "./row-template.ts";

const freshIdLength = 26;
/** Above every number that a real row has. */
const firstCount = 1_000_000;

interface Statement {
  readonly text: string;
  readonly values: readonly ValueTemplate[];
}

function statementOf({ table, columns, values }: RowTemplate): Statement {
  const names = columns.map((column) => `"${column}"`).join(", ");
  const marks = columns.map(() => "?").join(", ");
  return { text: `INSERT OR REPLACE INTO "${table}" (${names}) VALUES (${marks})`, values };
}

/** Writes the rows of the templates, each time as new rows. */
export class SubmissionFloor extends DurableObject {
  #statements: readonly Statement[] = [];
  #pairs: readonly (readonly [key: string, value: string])[] = [];
  #count = firstCount;

  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    for (const migration of organizationMigrations) context.storage.sql.exec(migration);
  }

  prepare(rows: readonly RowTemplate[]): void {
    this.#statements = rows.filter(({ table }) => table !== keyValueTable).map(statementOf);
    this.#pairs = rows
      .filter(({ table }) => table === keyValueTable)
      .map(({ values }, index) => [`pair-${index}`, values.map((value) => valueOf(value, "", 0)).join("")]);
  }

  write(_body: string): string {
    const freshId = String(this.#count).padStart(freshIdLength, "0");
    const { sql, kv } = this.ctx.storage;
    this.ctx.storage.transactionSync(() => {
      for (const { text, values } of this.#statements) {
        this.#count += 1;
        sql.exec(text, ...values.map((value) => valueOf(value, freshId, this.#count)));
      }
      for (const [key, value] of this.#pairs) kv.put(key, value);
    });
    return freshId;
  }
}

function valueOf(value: ValueTemplate, freshId: string, count: number): string | number | null {
  if (value.kind === "counter") return count;
  return value.kind === "number" ? value.value : value.parts.join(freshId);
}

/** One insert of the request as it came. */
export class InsertFloor extends DurableObject {
  constructor(context: DurableObjectState, env: Env) {
    super(context, env);
    context.storage.sql.exec("CREATE TABLE bodies (id INTEGER PRIMARY KEY, body TEXT NOT NULL)");
  }

  write(body: string): string {
    this.ctx.storage.sql.exec("INSERT INTO bodies (body) VALUES (?)", body);
    return "1";
  }
}
