import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { executeTool } from "../../src/tools/execute-tool.ts";
import type { Workspace } from "../../src/tools/workspace.ts";
import { contextOf, workspaceOf, type Files } from "./tools-fixture.ts";

const demoFolder = join(import.meta.dirname, "../../demo/repository");
const workflowPath = "spokestack/src/modules/briefs/brief-workflow.ts";

type RefusalOf = (brief: object, status: string, person: object) => string | null;
type WithStatus = (brief: object, status: string, at: Date) => object;

/** What the demo's workflow module exports, as far as this test uses it. */
const workflowSchema = z.object({
  refusalOf: z.custom<RefusalOf>((value) => typeof value === "function"),
  withStatus: z.custom<WithStatus>((value) => typeof value === "function"),
});

const lead = { id: "user_lead", level: "TEAM_LEAD" };
const draft = { status: "DRAFT", revisionCount: 0, submittedAt: null, startDate: null, completedAt: null };
const way = ["SUBMITTED", "IN_REVIEW", "APPROVED", "IN_PROGRESS", "INTERNAL_REVIEW", "CLIENT_REVIEW", "COMPLETED"];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "demo-repository-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function demoFiles(): Promise<Files> {
  const entries = await readdir(demoFolder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [relative(demoFolder, file), await readFile(file, "utf8")] as const)),
  );
}

/** Runs the workflow as it stands in the workspace: the statuses that a brief goes through, and why it stops. */
async function walk(workspace: Workspace, name: string): Promise<{ reached: string[]; refusal: string | null }> {
  const file = join(folder, `${name}.ts`);
  await writeFile(file, await workspace.readFile(workflowPath));
  const workflow = workflowSchema.parse(await import(/* @vite-ignore */ pathToFileURL(file).href));
  const reached: string[] = [];
  let brief: object = draft;
  for (const status of way) {
    const refusal = workflow.refusalOf(brief, status, lead);
    if (refusal !== null) return { reached, refusal };
    brief = workflow.withStatus(brief, status, new Date("2026-03-02T08:00:00Z"));
    reached.push(status);
  }
  return { reached, refusal: workflow.refusalOf(brief, "REVISIONS", lead) };
}

describe("the demo repository", () => {
  it("holds a defect that keeps briefs in SUBMITTED, and that one edit mends", async () => {
    const workspace = workspaceOf(await demoFiles());
    const ctx = contextOf(workspace);
    expect(await walk(workspace, "before")).toEqual({ reached: ["SUBMITTED"], refusal: "closed" });

    const found = await executeTool(ctx, { name: "search_code", input: { text: "isClosed" } });
    expect(found.output).toContain(`${workflowPath}:`);
    const edit = {
      path: workflowPath,
      oldText: "return brief.submittedAt !== null;",
      newText: "return brief.completedAt !== null;",
    };
    expect(await executeTool(ctx, { name: "edit_file", input: edit })).toMatchObject({ isError: false });
    expect(await walk(workspace, "after")).toEqual({ reached: way, refusal: "closed" });

    const { diffs } = await workspace.diff();
    expect(diffs.map(({ path, additions, deletions }) => [path, additions, deletions])).toEqual([[workflowPath, 1, 1]]);
  });

  it("has configuration and templates of two tenants", async () => {
    const paths = Object.keys(await demoFiles());
    for (const slug of ["northwind-studio", "harbor-media"]) {
      expect(paths).toContain(`config/tenants/${slug}.config.ts`);
      expect(paths.some((path) => path.startsWith(`config/templates/${slug}/`))).toBe(true);
    }
  });
});
