/** The schema engine's way to PostgreSQL: Prisma's `pg` adapter, with what the command line does otherwise put right. */
import { randomUUID } from "node:crypto";
import { PrismaPg } from "@prisma/adapter-pg";
import {
  ColumnTypeEnum,
  DriverAdapterError,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from "@prisma/driver-adapter-utils";
import { Client, DatabaseError, Pool, types, type QueryArrayConfig, type QueryArrayResult } from "pg";

export interface EngineAdapters {
  readonly factory: SqlMigrationAwareDriverAdapterFactory;
  /** Ends every connection that the factory made and drops its scratch databases. */
  close(): Promise<void>;
}

/** Adapters for one use of the engine. Unqualified names mean `searchPath`. */
export function openEngineAdapters(connectionString: string, searchPath: string): EngineAdapters {
  const opened: SqlDriverAdapter[] = [];
  const keep = (adapter: SqlDriverAdapter): SqlDriverAdapter => {
    opened.push(adapter);
    return adapter;
  };
  return {
    factory: {
      provider: "postgres",
      adapterName: "@prisma/adapter-pg",
      connect: async () => keep(await connect(connectionString, searchPath)),
      connectToShadowDb: async () => keep(await connectToScratchDatabase(connectionString, searchPath)),
    },
    close: async () => {
      for (const adapter of opened) await adapter.dispose();
    },
  };
}

async function connect(connectionString: string, searchPath: string): Promise<SqlDriverAdapter> {
  const pool = new Pool({ connectionString, options: `-c search_path=${searchPath}`, max: 1 });
  const adapter = await new PrismaPg(pool, { schema: searchPath }).connect();
  understandSingleChars(adapter, pool);
  adapter.executeScript = async (script) => runWholeScript(pool, script);
  adapter.dispose = async () => {
    if (!pool.ended) await pool.end();
  };
  return adapter;
}

/** Prisma's adapter refuses the catalog's type `"char"`, in which the engine reads kinds of constraints. */
function understandSingleChars(adapter: SqlDriverAdapter, pool: Pool): void {
  const singleCharOid = 18;
  const singleCharColumns = new Map<string, ReadonlySet<string>>();
  const query: (config: QueryArrayConfig) => Promise<QueryArrayResult> = pool.query.bind(pool);
  Object.assign(pool, {
    query: async (config: QueryArrayConfig) => {
      const result = await query(config);
      // A text of several statements has a result for each.
      const fields = [result].flat().flatMap((one) => one.fields);
      const columns = fields.filter((field) => field.dataTypeID === singleCharOid);
      singleCharColumns.set(config.text, new Set(columns.map((field) => field.name)));
      for (const field of columns) field.dataTypeID = types.builtins.TEXT;
      return result;
    },
  });
  const queryRaw = adapter.queryRaw.bind(adapter);
  adapter.queryRaw = async (sql) => {
    const result = await queryRaw(sql);
    const isSingleChar = (index: number): boolean =>
      singleCharColumns.get(sql.sql)?.has(result.columnNames[index] ?? "") === true;
    const columnTypes = result.columnTypes.map((type, index) =>
      isSingleChar(index) ? ColumnTypeEnum.Character : type,
    );
    return { ...result, columnTypes };
  };
}

/** Prisma's adapter would use the database itself: a connection string's database beats the one given beside it. */
async function connectToScratchDatabase(connectionString: string, searchPath: string): Promise<SqlDriverAdapter> {
  const name = `scratch_${randomUUID().replaceAll("-", "")}`;
  const url = new URL(connectionString);
  url.pathname = name;
  await runAlone(connectionString, `CREATE DATABASE "${name}"`);
  const adapter = await connect(url.href, searchPath);
  const disconnect = adapter.dispose.bind(adapter);
  adapter.dispose = async () => {
    await disconnect();
    await runAlone(connectionString, `DROP DATABASE IF EXISTS "${name}"`);
  };
  return adapter;
}

/**
 * Prisma's adapter cuts a script at every semicolon, also inside a function's body. The command line sends it whole, and
 * so does this: a migration is then one transaction.
 */
async function runWholeScript(pool: Pool, script: string): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query(script);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    const { message, detail, column, hint, code = "XX000", severity = "ERROR" } = error;
    throw new DriverAdapterError({ kind: "postgres", code, severity, message, detail, column, hint });
  } finally {
    client.release();
  }
}

async function runAlone(connectionString: string, statement: string): Promise<void> {
  const client = new Client(connectionString);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
