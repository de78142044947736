import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import { once } from "node:events";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runScript, type RunningCommand } from "../support/stack-command.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), "spokestack-start-"));
  // PostgreSQL, which root runs as another user, must get through.
  await chmod(directory, 0o711);
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

function npmStart(...args: readonly string[]): RunningCommand {
  const places = ["--state-dir", path.join(directory, "state"), "--settings", path.join(directory, "none")];
  return runScript("scripts/start.ts", [...places, "--latency", "0", ...args]);
}

/** The address in the table's line for a part. */
function addressOf(part: string, output: string): URL {
  const address = new RegExp(`^ *${part} .* (?:http://)?(\\S+)$`, "mu").exec(output)?.[1] ?? "";
  return new URL(`http://${address}`);
}

async function isListening({ hostname, port }: URL): Promise<boolean> {
  const socket = net.connect({ host: hostname, port: Number(port) });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

describe("npm start", () => {
  it("shows the demo up to the waiting review, keeps it over a restart, and has it approved", async () => {
    const first = npmStart();
    await first.untilPrinted("Ctrl-C stops it");
    expect(first.output()).toMatch(/PostgreSQL +stand-in/u);
    expect(first.output()).toMatch(/triage +BUG, .*\n +→ briefs\.status-workflow/u);
    expect(first.output()).toMatch(/edit_file .* ok/u);
    expect(first.output()).toContain("+  return brief.completedAt !== null;");
    expect(first.output()).toContain("/admin/agents");
    expect(first.output()).toContain("npm run demo:approve");
    const parts = ["Worker", "PostgreSQL", "Claude", "GitHub", "Supabase", "ERP API", "Slack"];
    const addresses = parts.map((part) => addressOf(part, first.output()));
    expect(await Promise.all(addresses.map(isListening))).toEqual(parts.map(() => true));

    const second = npmStart();
    expect(await second.exitCode).toBe(1);
    expect(second.output()).toMatch(/^Starting .*\n✗ the local stack already runs on .*\n$/u);

    first.interrupt();
    expect(await first.exitCode).toBe(0);
    expect(await Promise.all(addresses.map(isListening))).toEqual(parts.map(() => false));

    const again = npmStart();
    await again.untilPrinted("nothing is submitted again");
    await again.untilPrinted("Ctrl-C stops it");
    const approval = runScript("scripts/demo-approve.ts", ["--state-dir", path.join(directory, "state")]);
    expect(await approval.exitCode).toBe(0);
    expect(approval.output()).toMatch(/The issue is COMPLETED: http\S+\/pull\/1\n/u);
    expect(approval.output()).toContain("draft pull request 1, agent/org-");
    expect(approval.output()).toContain("+  return brief.completedAt !== null;");
    await again.untilPrinted("status  COMPLETED");

    again.interrupt();
    expect(await again.exitCode).toBe(0);
    const late = runScript("scripts/demo-approve.ts", ["--state-dir", path.join(directory, "state")]);
    expect(await late.exitCode).toBe(1);
    expect(late.output()).toMatch(/^✗ no local stack runs on .*\n$/u);
  });

  it("says in one line that its port is taken", async () => {
    const server = net.createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;

    const command = npmStart("--port", String(port));

    expect(await command.exitCode).toBe(1);
    expect(command.output()).toMatch(new RegExp(`^Starting .*\\n✗ port ${port} is taken: .*\\n$`, "u"));
    server.close();
  });

  it.each([
    ["a line that is none", "ANTHROPIC_API_KEY", "✗ .dev.vars, line 1: expected NAME=value"],
    ["a wrong value", "SUPABASE_URL=nowhere", "✗ .dev.vars: missing or invalid settings: SUPABASE_URL"],
    [
      "a key that is refused",
      "ANTHROPIC_API_KEY=wrong\nANTHROPIC_BASE_URL=http://127.0.0.1:9",
      "✗ ANTHROPIC_API_KEY: 127.0.0.1:9 cannot be reached",
    ],
  ])("says in one line what is wrong with the settings: %s", async (_case, text, message) => {
    const file = path.join(directory, "settings");
    await writeFile(file, text);

    const command = npmStart("--settings", file);

    expect(await command.exitCode).toBe(1);
    expect(command.output().replace(/^Starting .*\n/u, "")).toBe(`${message}\n`);
  });

  it("says in one line what is wrong with its arguments", async () => {
    const command = npmStart("--colour", "blue");

    expect(await command.exitCode).toBe(1);
    expect(command.output()).toBe("✗ Unknown option '--colour'\n");
  });
});
