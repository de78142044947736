const versionKey = "schemaVersion";

/**
 * Brings an object's tables up to the last of `migrations`; the number of those applied is kept beside them. Each is
 * one or more SQL statements, applied once, together with its number.
 */
export function migrateSchema(storage: DurableObjectStorage, migrations: readonly string[]): void {
  const applied = storage.kv.get<number>(versionKey) ?? 0;
  for (const [index, migration] of migrations.entries()) {
    if (index < applied) continue;
    storage.transactionSync(() => {
      storage.sql.exec(migration);
      storage.kv.put(versionKey, index + 1);
    });
  }
}
