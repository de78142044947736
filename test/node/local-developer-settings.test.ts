import { describe, expect, it } from "vitest";
import { parseDeveloperSettings } from "../../scripts/local/developer-settings.ts";
import { checkDeveloperSettings, workerSettings } from "../../scripts/local/worker-settings.ts";

describe("parseDeveloperSettings", () => {
  it("takes the groups that are complete for real", () => {
    const text = [
      "# my keys",
      "ANTHROPIC_API_KEY = sk-ant-1  # comment",
      'export SUPABASE_URL="https://project.supabase.co"',
      "",
      "AGENT_DEFAULT_MODEL=haiku",
    ].join("\n");

    const settings = parseDeveloperSettings(text);

    expect(settings.values).toEqual({
      ANTHROPIC_API_KEY: "sk-ant-1",
      SUPABASE_URL: "https://project.supabase.co",
      AGENT_DEFAULT_MODEL: "haiku",
    });
    expect([...settings.real]).toEqual(["claude", "supabase"]);
  });

  it("counts a name without a value as absent", () => {
    expect(parseDeveloperSettings("ANTHROPIC_API_KEY=\nGITHUB_TOKEN=''\n")).toEqual({ values: {}, real: new Set() });
  });

  it.each([
    ["not an assignment", "ANTHROPIC_API_KEY=a\n\nsk-ant-lost", ".dev.vars, line 3: expected NAME=value"],
    [
      "a quote that never ends",
      'SUPABASE_URL="https://a\nAGENT_ENABLED=true',
      ".dev.vars, line 1: expected NAME=value",
    ],
    ["an unknown name", "ANTHROPIC_KEY=a", ".dev.vars: there is no setting ANTHROPIC_KEY"],
    [
      "an incomplete group",
      "GITHUB_TOKEN=a",
      ".dev.vars: GITHUB_TOKEN needs GITHUB_REPO_OWNER and GITHUB_REPO_NAME too",
    ],
  ])("refuses %s in one line", (_case, text, message) => {
    expect(() => parseDeveloperSettings(text)).toThrow(message);
  });
});

describe("workerSettings", () => {
  const standIns = {
    ANTHROPIC_API_KEY: "local",
    DATABASE_URL: "postgresql://app@127.0.0.1/erp",
    DATABASE_PLATFORM_URL: "postgresql://platform@127.0.0.1/erp",
    SUPABASE_URL: "http://127.0.0.1:1",
  };
  const adminToken = "a token of this machine";

  it("lets the developer's settings win, and keeps his administrators beside the local one", () => {
    const developersToken = `someone:${"0".repeat(64)}`;
    const developer = parseDeveloperSettings(`ADMIN_TOKENS=${developersToken}\nAGENT_MAX_CONCURRENCY=2`);

    const settings = workerSettings({ standIns, developer, adminToken });

    expect(settings).toMatchObject({ ...standIns, AGENT_MAX_CONCURRENCY: "2" });
    expect(settings["ADMIN_TOKENS"]).toMatch(new RegExp(`^${developersToken},local:[0-9a-f]{64}$`, "u"));
  });

  it.each([
    ["SUPABASE_URL=nowhere", "SUPABASE_URL"],
    ["ADMIN_TOKENS=someone", "ADMIN_TOKENS"],
    ["LEASE_MS=soon", "LEASE_MS"],
  ])("refuses %j before anything starts", (text, names) => {
    expect(() => checkDeveloperSettings(parseDeveloperSettings(text))).toThrow(
      `.dev.vars: missing or invalid settings: ${names}`,
    );
  });

  it("names wrong settings and none of their values", () => {
    const developer = parseDeveloperSettings("AGENT_MAX_CONCURRENCY=many");

    expect(() => workerSettings({ standIns, developer, adminToken })).toThrow(
      ".dev.vars: missing or invalid settings: AGENT_MAX_CONCURRENCY",
    );
  });
});
