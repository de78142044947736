import { describe, expect, it } from "vitest";
import { executeTool, type ToolExecution } from "../../src/tools/execute-tool.ts";
import { contextOf, workspaceOf } from "./tools-fixture.ts";

const apiKey = "sk_live_a1B2c3D4e5F6g7H8i9J0k1L2";
const keyLine = "MIIEpAIBAAKCAQEA7b1c2d3e4f5g6h7i8j9k0l";
const privateKey = ["-----BEGIN PRIVATE KEY-----", keyLine, "QWxsIG9mIGl0Lg==", "-----END PRIVATE KEY-----"];
const files = {
  "src/client.ts": ["one", "two", "three", "four", "five", `const key = "${apiKey}";`, "seven", "eight", ""].join("\n"),
  "deploy/key.pem": ["first", ...privateKey, "last", ""].join("\n"),
  "src/plain.ts": "plain\n",
};
const proposal = { title: "Change the client", body: "What it did before was not what was meant." };

/** A job's tools over one workspace. */
function tools() {
  const ctx = contextOf(workspaceOf(files));
  return (name: string, input: unknown): Promise<ToolExecution> => executeTool(ctx, { name, input });
}

const edit = (path: string, oldText: string, newText: string) => ({ path, oldText, newText });

describe("what tools return", () => {
  it("holds no secret, and each line keeps its number", async () => {
    const run = tools();
    const { output } = await run("read_file", { path: "deploy/key.pem" });
    expect(output).toContain("1\tfirst\n2\t[REDACTED:private-key]\n3\t\n4\t\n5\t\n6\tlast");
    expect((await run("read_file", { path: "src/client.ts" })).output).toContain(
      '6\tconst key = "[REDACTED:api-key]";',
    );
  });

  it("shows no line of a longer secret that a search finds", async () => {
    const run = tools();
    const found = await run("search_code", { text: "MIIEpAIB" });
    expect(found.output).toContain("deploy/key.pem:3: ");
    expect(found.output).not.toContain(keyLine);
    expect((await run("search_code", { text: "const key" })).output).toContain('const key = "[REDACTED:api-key]";');
  });

  it("repeats no secret of a call that it refuses", async () => {
    const refused = await tools()("edit_file", { ...edit("src/plain.ts", "plain", "x"), [apiKey]: 1 });
    expect(refused.isError).toBe(true);
    expect(refused.output).toContain("[REDACTED:api-key]");
    expect(refused.output).not.toContain(apiKey);
  });
});

describe("a change of a secret", () => {
  it.each([
    {
      name: "an edit that adds one",
      tool: "edit_file",
      input: edit("src/plain.ts", "plain", `plain\nkey: ${apiKey}`),
      at: "src/plain.ts, line 2",
    },
    {
      name: "an edit that changes one",
      tool: "edit_file",
      input: edit("src/client.ts", "i9J0k1L2", "0000k1L2"),
      at: "src/client.ts, line 6",
    },
    {
      name: "an edit that removes part of a longer one",
      tool: "edit_file",
      input: edit("deploy/key.pem", keyLine, ""),
      at: "deploy/key.pem, line 2",
    },
    {
      name: "writing one",
      tool: "write_file",
      input: { path: "new.env.ts", content: `a\nb\nexport const key = "${apiKey}";\n` },
      at: "new.env.ts, line 3",
    },
    {
      name: "writing over one what stood for it",
      tool: "write_file",
      input: { path: "src/client.ts", content: files["src/client.ts"].replace(apiKey, "[REDACTED:api-key]") },
      at: "src/client.ts, line 6",
    },
    {
      name: "deleting a file with one",
      tool: "write_file",
      input: { path: "src/client.ts", content: null },
      at: "src/client.ts, line 6",
    },
  ])("is refused by policy: $name", async ({ tool, input, at }) => {
    const run = tools();
    const refused = await run(tool, input);
    expect(refused).toMatchObject({ isError: true, policy: "refused", workspace: [] });
    expect(refused.output).toContain(at);
    expect(refused.output).not.toContain(apiKey);
    expect((await run("git_diff", {})).output).toContain("Nothing has been changed.");
  });

  it("may stand in the same file, and the bytes of the file stay as they are", async () => {
    const changed = await tools()("edit_file", edit("src/client.ts", "one", "uno"));
    expect(changed.policy).toBe("allowed");
    expect(changed.workspace).toEqual([
      {
        path: "src/client.ts",
        content: files["src/client.ts"].replace("one", "uno"),
        difference: {
          change: "modified",
          additions: 1,
          deletions: 1,
          patch: expect.stringContaining("+uno") as unknown,
        },
      },
    ]);
  });

  it("cannot be proposed where the patch shows a secret, and can where it does not", async () => {
    const far = tools();
    await far("edit_file", edit("src/client.ts", "one", "uno"));
    const proposed = await far("git_propose", proposal);
    expect(proposed).toMatchObject({ isError: false, policy: "allowed" });
    expect(proposed.artifacts[0]?.files[0]?.content).toBe(files["src/client.ts"].replace("one", "uno"));

    const near = tools();
    const nearby = await near("edit_file", edit("src/client.ts", "four", "vier"));
    expect(nearby.isError).toBe(false);
    expect(nearby.workspace).toMatchObject([{ difference: { change: "modified", additions: 1, patch: null } }]);
    const shown = await near("git_diff", {});
    expect(shown.output).toContain("[REDACTED:api-key]");
    const refused = await near("git_propose", proposal);
    expect(refused).toMatchObject({ isError: true, policy: "refused", artifacts: [] });
    expect(refused.output).toContain("src/client.ts, line 6");
  });
});
