/** The contract: a valid OpenAPI document of everything that is served, a page of it, and a check that can fail. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { maxBodyDepth, maxBodyFields, maxFieldNameLength } from "../../src/contracts/http.ts";
import { problemSchema } from "../../src/contracts/http-views.ts";
import { errorSpecs } from "../../src/core/errors.ts";
import type { OpenApiDocument, OpenApiOperation } from "../../src/http/openapi/document.ts";
import { ContractCheck } from "../support/contract-check.ts";
import { bearer, contractCheck, EdgeFixture, jsonRequest, validSubmission } from "./http-fixture.ts";

async function readDocument(): Promise<OpenApiDocument> {
  const response = await new EdgeFixture().app().request("/api/agents/openapi.json");
  return z.custom<OpenApiDocument>().parse(await response.json());
}

const document = await readDocument();
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]): [string, string, OpenApiOperation] => [method, path, operation]),
);

describe("the document", () => {
  test("is valid OpenAPI 3.1", async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone({ ...document }));
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
    expect(validator.version).toBe("3.1");
  });

  test("names every route that the application serves, and no other", () => {
    const served = new EdgeFixture()
      .app()
      .routes.filter(({ method, path }) => method !== "ALL" && path.startsWith("/api/agents"))
      .map(({ method, path }) => `${method.toLowerCase()} ${path.replaceAll(/:(\w+)/gu, "{$1}")}`);
    const named = operations.map(([method, path]) => `${method} ${path}`);
    expect(named.toSorted()).toEqual([...new Set(served)].toSorted());
  });

  test("names each operation once, under a tag that it explains", () => {
    const ids = operations.map(([, , { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = new Set(document.tags.map(({ name }) => name));
    for (const [, , { operationId, tags: own }] of operations) {
      expect(operationId).toMatch(/^[a-z]\w+$/u);
      expect(own.every((tag) => tags.has(tag))).toBe(true);
      expect(own).toHaveLength(1);
    }
  });

  test.each(operations)("%s %s tells how it fails", (method, _path, { responses, security, requestBody }) => {
    const expected = [
      "500",
      "503",
      ...(security.length > 0 ? ["401", "403", "422"] : []),
      ...(requestBody === undefined ? [] : ["400", "413", "415"]),
    ];
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(expected));
    expect(requestBody !== undefined).toBe(["post", "put"].includes(method));
  });

  test("leads every reference somewhere", () => {
    const references = JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(?<name>[^"]+)"/gu);
    const missing = [...references].filter(({ groups }) => !((groups?.["name"] ?? "") in document.components.schemas));
    expect(missing).toEqual([]);
  });
});

describe("the page", () => {
  test("names every operation and every problem code, and loads nothing but its own style", async () => {
    const response = await new EdgeFixture().app().request("/api/agents/docs");
    const page = await response.text();
    for (const [, , { operationId }] of operations) expect(page).toContain(`id="${operationId}"`);
    for (const code of Object.keys(errorSpecs)) expect(page).toContain(`id="problem-${code}"`);
    expect(page).not.toMatch(/<script|style=|https?:\/\/|\[object/u);
    const policy = response.headers.get("content-security-policy");
    expect(policy).toBe(
      "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
  });
});

describe("the check of every answer", () => {
  const answer = (status: number, body: unknown, contentType = "application/json"): Response =>
    new Response(JSON.stringify(body), { status, headers: { "content-type": contentType, "x-request-id": "req_1" } });
  const version = { name: "spokestack-agents", version: "1", deploymentId: "d", deploymentTag: "t", deployedAt: "now" };
  const url = "/api/agents/version";

  test("passes what the document names", async () => {
    await expect((await contractCheck()).check("GET", url, answer(200, version))).resolves.toBeUndefined();
  });

  test.each([
    ["a status", answer(418, version), "status"],
    ["a media type", answer(200, version, "text/plain"), "media type"],
    ["a missing field", answer(200, { ...version, version: undefined }), "version"],
    ["a field of another type", answer(200, { ...version, version: 1 }), "version"],
    ["a field that nobody documented", answer(200, { ...version, secret: "x" }), "secret"],
    ["a problem that the route does not have", answer(404, {}, "application/problem+json"), "status"],
    ["no request id", new Response("{}", { status: 200 }), "request id"],
  ])("fails for %s", async (_name, response, reason) => {
    const check = new ContractCheck(document);
    await expect(check.check("GET", url, response)).rejects.toThrow(reason);
  });
});

/** A submission whose context is this JSON text. */
function withContext(context: string): string {
  return JSON.stringify(validSubmission).replace(/\}$/u, `,"context":${context}}`);
}

describe("a body", () => {
  const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
  const fields = (count: number): string =>
    JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_each, index) => [`k${index}`, 0])));

  async function submit(body: string | Uint8Array<ArrayBuffer>) {
    const fixture = new EdgeFixture();
    const request = { ...jsonRequest(fixture.user("STAFF"), null), body };
    const response = await fixture.app().request("/api/agents", request);
    const problem = response.status === 202 ? null : problemSchema.parse(await response.json());
    return { status: response.status, fields: problem?.errors?.map(({ field }) => field), fixture };
  }

  test.each([
    ["its deepest nesting", withContext(nested(maxBodyDepth - 1))],
    ["its most fields", withContext(fields(maxBodyFields - 4))],
    ["its longest name", withContext(`{"${"n".repeat(maxFieldNameLength)}":1}`)],
    ["names that code uses", withContext('{"constructor":1,"prototype":2,"toString":3,"hasOwnProperty":4}')],
    ["the same name twice", withContext('{"a":1,"a":2}')],
  ])("is taken with %s", async (_name, body) => {
    expect((await submit(body)).status).toBe(202);
  });

  test.each([
    ["a level too much", withContext(nested(maxBodyDepth)), "context"],
    ["a field too much", withContext(fields(maxBodyFields - 3)), "context"],
    ["a name too long", withContext(`{"${"n".repeat(maxFieldNameLength + 1)}":1}`), `context.${"n".repeat(248)}`],
    ["__proto__", withContext('{"__proto__":{"admin":true}}'), "context.__proto__"],
    [
      "__proto__ beside its fields",
      `{"__proto__":{"type":"BUG"},${JSON.stringify(validSubmission).slice(1)}`,
      "__proto__",
    ],
    ["U+0000 in a text", withContext(String.raw`{"a":["b","\u0000"]}`), "context.a.1"],
    ["half a surrogate pair", withContext(String.raw`{"a":"\ud800"}`), "context.a"],
    ["half a surrogate pair in a name", withContext(String.raw`{"\udead":1}`), "context.\udead"],
    ["a number that is none", withContext('{"a":1e999}'), "context.a"],
    ["U+0000 in the title", JSON.stringify({ ...validSubmission, title: "a\0b" }), "title"],
  ])("is refused with %s, by name", async (_name, body, field) => {
    const { status, fields: named, fixture } = await submit(body);
    expect(status).toBe(422);
    expect(named).toEqual([field]);
    expect(fixture.calls).toEqual([]);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test("is refused when it is not UTF-8", async () => {
    const text = new TextEncoder().encode(JSON.stringify({ ...validSubmission, title: "?" }));
    text[text.lastIndexOf("?".charCodeAt(0))] = 0xff;
    expect((await submit(text)).status).toBe(400);
  });

  test("keeps every field of its context as it came", async () => {
    const context = '{"constructor":{"prototype":{"x":1}},"a":[null,true,1.5,"é"]}';
    const { fixture } = await submit(withContext(context));
    expect(fixture.callsOf("submit")).toMatchObject([{ argument: { context: JSON.parse(context) as unknown } }]);
  });
});

describe("an address", () => {
  test.each([
    ["/api/agents/iss_%00", "path"],
    ["/api/agents?status=%00", "status"],
    ["/api/agents?__proto__=x", "__proto__"],
    ["/api/agents?%5F_proto__=x", "__proto__"],
    ["/api/agents?unknown=1", "unknown"],
    ["/api/agents?limit=1&limit=2", "limit"],
    ["/api/agents/quota?unknown=1", "unknown"],
  ])("%s is refused by name", async (path, field) => {
    const fixture = new EdgeFixture();
    const response = await fixture.app().request(path, { headers: bearer(fixture.user("ADMIN")) });
    expect(response.status).toBe(422);
    expect(problemSchema.parse(await response.json()).errors).toMatchObject([{ field }]);
    expect(fixture.calls).toEqual([]);
  });
});
