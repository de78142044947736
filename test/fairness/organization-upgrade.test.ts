/** An organization's object that an earlier release wrote, after its tables are brought up to date. */
import { expect, test } from "vitest";
import { AttemptTable } from "../../src/durable-objects/organization/attempt-table.ts";
import { WorkspaceTable } from "../../src/durable-objects/organization/workspace-table.ts";
import { organizationMigrations } from "../../src/durable-objects/organization/schema.ts";
import { createMemoryStorage } from "./memory-sql.ts";

test("files and transcripts of before are still there, are not cut at a step, and effects are no dry run", () => {
  const storage = createMemoryStorage();
  const before = organizationMigrations.findIndex((migration) => migration.includes("workspace_versions"));
  for (const migration of organizationMigrations.slice(0, before)) storage.sql.exec(migration);
  storage.sql.exec("INSERT INTO workspace_files (job_id, path, content) VALUES (?, ?, ?)", "job_1", "a.ts", "one");
  storage.sql.exec("INSERT INTO workspace_files (job_id, path, content) VALUES (?, ?, ?)", "job_1", "b.ts", null);
  storage.sql.exec(
    "INSERT INTO messages (job_id, attempt, position, message) VALUES (?, ?, ?, ?)",
    "job_1",
    1,
    1,
    "first",
  );
  const effect = { record: { id: "eff_1", issueId: "iss_1", idempotencyKey: "k", status: "COMPLETED" } };
  storage.sql.exec(
    "INSERT INTO effects (id, issue_id, idempotency_key, state) VALUES (?, ?, ?, ?)",
    "eff_1",
    "iss_1",
    "k",
    JSON.stringify(effect),
  );
  for (const migration of organizationMigrations.slice(before)) storage.sql.exec(migration);

  const attempts = new AttemptTable(storage.sql);
  const workspaces = new WorkspaceTable(storage.sql);
  expect(workspaces.of("job_1")).toEqual([
    { path: "a.ts", content: "one" },
    { path: "b.ts", content: null },
  ]);
  workspaces.save({ jobId: "job_1", attempt: 1, afterStep: 3 }, [{ path: "a.ts", content: "two" }]);
  expect(workspaces.of("job_1")[0]).toEqual({ path: "a.ts", content: "two" });
  expect(attempts.messages("job_1", 1)).toEqual(["first"]);
  expect(attempts.isCuttable("job_1", 1)).toBe(false);
  attempts.appendMessages("job_1", 2, 0, ["second"]);
  expect(attempts.isCuttable("job_1", 2)).toBe(true);
  const stored = storage.sql.exec<{ state: string }>("SELECT state FROM effects").one();
  expect(JSON.parse(stored.state)).toMatchObject({ record: { id: "eff_1", dryRun: null } });
});
