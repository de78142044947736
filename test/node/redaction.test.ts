import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { jsonValueSchema } from "../../src/contracts/records.ts";
import { createLogger } from "../../src/core/log.ts";
import { findSecrets } from "../../src/core/redaction/find-secrets.ts";
import { redactFields, redactJson, redactText } from "../../src/core/redaction/redact.ts";

const letters = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4y5Z6";
const keyLines = ["MIIEpAIBAAKCAQEA7b1c2d3e4f5g6h7i8j9k0l", "n1o2p3q4r5s6t7u8v9w0x1y2z3", "AbCd=="];
const privateKey = ["-----BEGIN RSA PRIVATE KEY-----", ...keyLines, "-----END RSA PRIVATE KEY-----"].join("\n");

/** Made up, each in the form that its provider documents. */
const samples: readonly {
  readonly rule: string;
  readonly secret: string;
  readonly around?: readonly [string, string];
}[] = [
  { rule: "anthropic-key", secret: `sk-ant-api03-${letters}` },
  { rule: "openai-key", secret: `sk-proj-${letters}` },
  { rule: "openai-key", secret: `sk-${letters.slice(0, 48)}` },
  { rule: "api-key", secret: `sk_live_${letters.slice(0, 24)}` },
  { rule: "api-key", secret: `rk_test_${letters.slice(0, 24)}` },
  { rule: "webhook-secret", secret: `whsec_${letters.slice(0, 32)}` },
  { rule: "aws-access-key-id", secret: "AKIAQWERTYUIOPAS2345" },
  { rule: "github-token", secret: `ghp_${letters.slice(0, 36)}` },
  { rule: "github-token", secret: `github_pat_${letters}_${letters}` },
  { rule: "gitlab-token", secret: `glpat-${letters.slice(0, 20)}` },
  { rule: "slack-token", secret: `xoxb-1234567890-${letters.slice(0, 24)}` },
  { rule: "slack-token", secret: `xapp-1-${letters.slice(0, 24)}` },
  {
    rule: "slack-webhook",
    secret: "T00000000/B00000000/a1b2c3d4e5f6g7h8i9j0k1l2",
    around: ["https://hooks.slack.com/services/", " "],
  },
  { rule: "google-key", secret: `AIza${letters.slice(0, 35)}` },
  { rule: "google-secret", secret: `GOCSPX-${letters.slice(0, 28)}` },
  { rule: "google-token", secret: `ya29.${letters}` },
  { rule: "supabase-key", secret: `sb_secret_${letters.slice(0, 31)}` },
  { rule: "supabase-token", secret: `sbp_${"0a1b2c3d".repeat(5)}` },
  { rule: "npm-token", secret: `npm_${letters.slice(0, 36)}` },
  { rule: "sendgrid-key", secret: `SG.${letters.slice(0, 22)}.${letters.slice(0, 43)}` },
  { rule: "huggingface-token", secret: "hf_abcdefghIJKLMNOPqrstuvwxYZabcdefgh" },
  { rule: "digitalocean-token", secret: `dop_v1_${"0a1b2c3d".repeat(8)}` },
  { rule: "shopify-token", secret: `shpat_${"0a1b2c3d".repeat(4)}` },
  { rule: "linear-key", secret: `lin_api_${letters.slice(0, 40)}` },
  { rule: "notion-token", secret: `ntn_${letters.slice(0, 46)}` },
  { rule: "age-key", secret: `AGE-SECRET-KEY-1${"QWERTYUIOP".repeat(5)}ASDFGHJK` },
  {
    rule: "jwt",
    secret: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
  },
  { rule: "private-key", secret: privateKey },
  { rule: "private-key", secret: privateKey.replaceAll("\n", String.raw`\n`) },
  { rule: "password", secret: "s3cr3t-pw", around: ["postgresql://app:", "@db.example:5432/erp"] },
  { rule: "password", secret: "Winter2026!", around: ['  "password": "', '",'] },
  { rule: "password", secret: "Winter2026!", around: ["DB_PASSWORD=", "\n"] },
  { rule: "secret", secret: "9f8e7d6c5b4a39281706f5e4d3c2b1a0", around: ["CLIENT_SECRET=", " "] },
  { rule: "secret", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzz1234", around: ["aws_secret_access_key = ", "\n"] },
  { rule: "credentials", secret: "a1b2c3d4e5f6a7b8c9d0", around: ["Authorization: Bearer ", "'"] },
  { rule: "credentials", secret: "YWRtaW46aHVudGVyMjI=", around: ["authorization: basic ", "\n"] },
];

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...Array.from("0123456789abcdef")), minLength: length, maxLength: length });
/** What looks made up and is public: commits, identities, integrity. */
const harmless = fc.oneof(
  hex(40),
  hex(40).map((id) => id.slice(0, 7)),
  hex(64),
  fc.uuid(),
  fc.string().map((text) => `sha512-${createHash("sha512").update(text).digest("base64")}`),
  fc.string().map((text) => `sha256-${createHash("sha256").update(text).digest("base64")}`),
  hex(64).map((digest) => `sha256:${digest}`),
  fc.constantFrom("iss_01JD0000000000000000000000", "process.env.API_TOKEN2", "user.password2", "${DB_PASSWORD_1}"),
);
const anyText = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.string({ unit: "grapheme", maxLength: 60 }),
  fc.constantFrom(
    "\n",
    " = ",
    '": "',
    "token: ",
    "password=",
    "commit ",
    "Bearer ",
    "://user:",
    "@host",
    "-----BEGIN ",
    "eyJ",
    "sk-",
  ),
);
const anySecret = fc.constantFrom(...samples);
const anyMixture = fc.array(
  fc.oneof(
    anyText,
    harmless,
    anySecret.map(({ secret }) => secret),
  ),
  { maxLength: 12 },
);

describe("secrets in a text", () => {
  it.each(samples)(
    "a $rule is replaced, and nothing else",
    ({ rule, secret, around: [before, after] = ["see ", " there"] }) => {
      const lines = secret.split("\n").length - 1;
      expect(redactText(`Ünïcode ${before}${secret}${after}, end.`)).toBe(
        `Ünïcode ${before}[REDACTED:${rule}]${"\n".repeat(lines)}${after}, end.`,
      );
    },
  );

  it.each([
    "The token count was 20000000, maxTokens: 200000000000",
    "const token = getToken12(user.id2)",
    "password: string; secret?: boolean; apiKey = settings.apiKey2 ?? null",
    "password: your-password-123, token=<your token 1>, secret: ${SECRET_12345678}",
    '"integrity": "sha512-oYtxF+8i/UtcMcSYGh8N3hQF0aBd1Wwsm6OZlPpDPCU1gYzVdj3x3kvZcXYAUGsMYFZ4cVXQpDWi4jA1Nf0Vxg=="',
    "token_url: https://login.example/oauth2/v2.0/token",
    "postgres://postgres:postgres@127.0.0.1/db and redis://:${REDIS_PASSWORD}@cache",
    'text.startsWith("-----BEGIN PRIVATE KEY-----")',
    "task-ant-farm, disk-usage-1234567890abcdef1234567890abcdef, AKIA is a prefix",
    "Basic authentication and bearer authorization are words",
    "email me at a.b@example.com, see https://example.com:8080/@user",
  ])("there are none in %s", (text) => {
    expect(findSecrets(text)).toEqual([]);
    expect(redactText(text)).toBe(text);
  });

  test("commits, identities and integrity are never taken for one", () => {
    const anyPlace = fc.constantFrom("", "commit ", "id: ", '"integrity": "', "parent ", "revision=", "sha256:", "/");
    fc.assert(
      fc.property(
        fc.array(fc.tuple(anyPlace, harmless, fc.constantFrom(" ", "\n", '",', ".")), { maxLength: 8 }),
        (parts) => {
          const text = parts.flat().join("");
          expect(redactText(text)).toBe(text);
        },
      ),
    );
  });

  test("letters in a digest that spell a secret's name are none", () => {
    const digest = "sha256-47DEQpj8HBSaTImW5JCeuQeRkm5NMpJWZG3hPwdFU=";
    for (const text of [`${digest} revision=${digest}`, `"${digest}": "revision1=${digest}"`]) {
      expect(redactText(text)).toBe(text);
    }
  });

  test("a commit or an identity is none even under a name for secrets", () => {
    for (const value of ["0123456789abcdef0123456789abcdef01234567", "550e8400-e29b-41d4-a716-446655440000"]) {
      for (const text of [`token: "${value}"`, `secret=${value}`]) expect(redactText(text)).toBe(text);
    }
  });

  test("are gone the first time: a second time changes nothing, and what is no secret stays in order", () => {
    fc.assert(
      fc.property(anyMixture, (parts) => {
        const text = parts.join("");
        const redacted = redactText(text);
        expect(findSecrets(redacted)).toEqual([]);
        expect(redactText(redacted)).toBe(redacted);
        expect(redactText(text)).toBe(redacted);
        expect(redacted.split("\n")).toHaveLength(text.split("\n").length);
        // Between what stands for secrets there is only what was there before, in its order.
        let from = 0;
        for (const kept of redacted.split(/\[REDACTED:[\w-]+\]\n*/u)) {
          const at = text.indexOf(kept, from);
          expect(at).toBeGreaterThanOrEqual(from);
          from = at + kept.length;
        }
      }),
      { numRuns: 300 },
    );
  });

  test("are found wherever they stand", () => {
    fc.assert(
      fc.property(anyText, anySecret, anyText, (before, { secret, around }, after) => {
        const [left, right] = around ?? [" ", " "];
        const redacted = redactText(`${before}\n${left}${secret}${right}\n${after}`);
        expect(redacted).not.toContain(secret);
      }),
    );
  });

  test("take time in proportion to the text, whatever it is", () => {
    const hostile = [
      "token=1a",
      "sk-ant-",
      "eyJ-",
      "eyJaaaaaaaa.",
      "password",
      "://a:",
      "bearer ",
      "-----BEGIN PRIVATE KEY-----\n",
      "xoxb-",
      "secret: '",
      String.raw`\n`,
    ];
    for (const part of hostile) {
      const bestMs = (length: number): number => {
        const text = part.repeat(Math.ceil(length / part.length));
        const runs = [1, 2].map(() => {
          const startedMs = performance.now();
          findSecrets(text);
          return performance.now() - startedMs;
        });
        return Math.min(...runs);
      };
      // Twelve times the text: quadratic work would take 144 times as long.
      const [short, long] = [bestMs(8_000), bestMs(96_000)];
      expect.soft(long / Math.max(short, 0.5), part).toBeLessThan(60);
    }
  });
});

describe("secrets in a document", () => {
  test("are found in each value by itself and by the name that it stands under", () => {
    const found: string[] = [];
    const context = {
      page: "/briefs",
      database: { url: "postgres://app:s3cr3t-pw@db/x", password: "hunter2hunter2", retries: 3 },
      keys: [`sk_live_${letters.slice(0, 24)}`, "public", null],
      // Halves of one secret are none.
      first: "ghp_a1B2c3D4e5F6",
      second: "g7H8i9J0k1L2m3N4o5P6q7R8",
      [`ghp_${letters.slice(0, 36)}`]: 1,
      [`ghp_${letters.slice(1, 37)}`]: 2,
    };
    expect(redactFields(context, (path) => found.push(path), "context")).toEqual({
      page: "/briefs",
      database: { url: "postgres://app:[REDACTED:password]@db/x", password: "[REDACTED:secret]", retries: 3 },
      keys: ["[REDACTED:api-key]", "public", null],
      first: "ghp_a1B2c3D4e5F6",
      second: "g7H8i9J0k1L2m3N4o5P6q7R8",
      "[REDACTED:github-token]": 1,
      "[REDACTED:github-token] 2": 2,
    });
    expect(found).toEqual([
      "context.database.url",
      "context.database.password",
      "context.keys.0",
      "context.[REDACTED:github-token]",
      "context.[REDACTED:github-token] 2",
    ]);
  });

  test("leave everything else as it is, and go once", () => {
    const anyDocument = fc.jsonValue().map((value) => jsonValueSchema.parse(JSON.parse(JSON.stringify(value))));
    fc.assert(
      fc.property(anyDocument, (value) => {
        expect(redactJson(value)).toEqual(value);
      }),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom("a", "b", "password", "token"), anyMixture), (fields) => {
        const redacted = redactJson(fields);
        expect(redactJson(redacted)).toEqual(redacted);
      }),
    );
  });

  test("do not get into the log", () => {
    const lines: string[] = [];
    const log = createLogger({ service: "edge" }, (_level, line) => lines.push(line));
    log.warn("no answer from postgres://app:s3cr3t-pw@db/x", {
      error: "Bearer a1b2c3d4e5f6a7b8c9d0",
      count: 2,
      token: "abc123def456ghi",
    });
    expect(JSON.parse(lines.join(""))).toEqual({
      level: "WARN",
      message: "no answer from postgres://app:[REDACTED:password]@db/x",
      service: "edge",
      error: "Bearer [REDACTED:credentials]",
      count: 2,
      token: "[REDACTED:secret]",
    });
  });
});
