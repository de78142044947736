/** Every route of the document under requests that fit it and requests that do not: never a 5xx, never anything undocumented. */
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { newId } from "../../src/core/ids.ts";
import { problemSchema } from "../../src/contracts/http-views.ts";
import type { OpenApiDocument } from "../../src/http/openapi/document.ts";
import { type FuzzRequest, fuzzRequests } from "../support/contract-fuzz.ts";
import { blnsStrings, jsonTexts } from "../support/naughty-inputs.ts";
import { fuzzRegressions } from "./http-fuzz-regressions.ts";
import {
  adminToken,
  bearer,
  detailOf,
  EdgeFixture,
  issueRecord,
  reviewRecord,
  startMs,
  switchRecord,
  validSubmission,
} from "./http-fixture.ts";

/** An organization with one of everything, and those who may ask for it. */
function world() {
  const fixture = new EdgeFixture();
  const issue = issueRecord(fixture.organizationId);
  const review = reviewRecord({ issueId: issue.id });
  fixture.live.set(issue.id, detailOf(issue));
  fixture.switches = [switchRecord()];
  const admin = bearer(adminToken, { "X-Organization-Id": fixture.organizationId });
  const callers = [
    admin,
    ...(["ADMIN", "TEAM_LEAD", "STAFF", "FREELANCER"] as const).map((level) => bearer(fixture.user(level))),
  ];
  const knownIds = [
    issue.id,
    review.id,
    newId("issue", startMs),
    fixture.organizationId,
    ...fixture.switches.map(({ id }) => id),
  ];
  return { fixture, app: fixture.app(), callers, knownIds };
}

const { fixture, app, callers, knownIds } = world();
const document = z.custom<OpenApiDocument>().parse(await (await app.request("/api/agents/openapi.json")).json());
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    name: operation.operationId,
    method: method.toUpperCase(),
    path,
    operation,
  })),
);
const prototypes = [Object.prototype, Array.prototype, Function.prototype];
const namesOfPrototypes = (): string =>
  JSON.stringify(prototypes.map((prototype) => Reflect.ownKeys(prototype).map(String)));
const cleanPrototypes = namesOfPrototypes();

/** Sends a request; the fixture holds the answer to the document. Throws for a 5xx and for a changed prototype. */
async function send(method: string, { path, headers, body }: FuzzRequest, caller: Record<string, string>) {
  const init = { method, headers: { ...headers, ...caller }, ...(body === null ? {} : { body }) };
  const response = await app.request(path, init);
  if (response.status >= 500)
    throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
  if (namesOfPrototypes() !== cleanPrototypes) throw new Error(`${method} ${path} changed a prototype`);
  const calls = fixture.calls.splice(0);
  fixture.logLines.length = 0;
  return { response, calls };
}

const runs = 40;

describe.each(operations)("$name", ({ name, method, path, operation }) => {
  const anyCaller = fc.constantFrom(...callers);
  const ofOperation = (isValid: boolean) => fuzzRequests({ document, knownIds }, { path, operation, isValid });
  const property = (isValid: boolean) =>
    fc.asyncProperty(
      ofOperation(isValid),
      anyCaller,
      async (request, caller) => void (await send(method, request, caller)),
    );

  test("answers whatever it is sent as documented", async () => {
    await expect(fc.assert(property(false), { numRuns: runs })).resolves.toBeUndefined();
  });

  test("answers what fits as documented", async () => {
    await expect(fc.assert(property(true), { numRuns: runs / 2 })).resolves.toBeUndefined();
  });

  test.each(fuzzRegressions.filter(({ operationId }) => operationId === name))(
    "has not come back to what failed with the seed $seed",
    async ({ seed, path: counterexample, isValid }) => {
      const found = fc.assert(property(isValid), { seed, path: counterexample, numRuns: 1 });
      await expect(found).resolves.toBeUndefined();
    },
  );
});

describe("JSONTestSuite as the body", () => {
  const withBody = operations.filter(({ operation }) => operation.requestBody !== undefined);
  /** JSON that is no request of this route is refused for what it says, not for how it is written. */
  const statusesOfJson: ReadonlySet<number> = new Set([200, 201, 202, 403, 404, 409, 422]);

  function isRight(name: string, status: number): boolean {
    if (name.startsWith("n_")) return status === 400;
    return statusesOfJson.has(status) || (name.startsWith("i_") && status === 400);
  }

  test.each(withBody)("$name", async ({ method, path, operation }) => {
    const address = path.replaceAll(/\{\w+\}/gu, knownIds[0] ?? "");
    const texts = jsonTexts.filter(({ input }) => input !== "" || operation.requestBody?.required === true);
    const wrong: string[] = [];
    for (const { name, input } of texts) {
      const request = { path: address, headers: { "content-type": "application/json" }, body: input };
      const { response } = await send(method, request, callers[0] ?? {});
      if (!isRight(name, response.status)) wrong.push(`${name}: ${response.status}`);
    }
    expect(wrong).toEqual([]);
  });
});

describe("the Big List of Naughty Strings", () => {
  const inField = (field: string) => (text: string) => ({ [field]: text });
  const inContext = (text: string) => ({ context: { text, [`name ${text}`.slice(0, 200)]: [text] } });

  test.each([
    ["title", inField("title")],
    ["description", inField("description")],
    ["externalId", inField("externalId")],
    ["concurrencyKey", inField("concurrencyKey")],
    ["context", inContext],
  ] as const)(
    "in %s is stored as it came but for space around it, or refused by that name",
    async (field, contentOf) => {
      const wrong: unknown[] = [];
      for (const text of blnsStrings) {
        const content: Record<string, unknown> = contentOf(text);
        const body = JSON.stringify({ ...validSubmission, ...content });
        const request = { path: "/api/agents", headers: { "content-type": "application/json" }, body };
        const { response, calls } = await send("POST", request, callers[3] ?? {});
        const stored = calls.find(({ method }) => method === "submit")?.argument;
        const named = response.status === 422 ? problemSchema.parse(await response.json()).errors : undefined;
        const sent = content[field];
        const kept = typeof sent === "string" ? sent.trim() : sent;
        const isKept = response.status === 202 && isDeepStrictEqual(fieldsOf(stored)[field], kept);
        if (!isKept && !(named?.length === 1 && named[0]?.field === field)) wrong.push([text, response.status, named]);
      }
      expect(wrong).toEqual([]);
    },
  );
});

function fieldsOf(command: unknown): Record<string, unknown> {
  return z.record(z.string(), z.unknown()).parse(command ?? {});
}
