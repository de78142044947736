/** Holds every answer to the contract: a status, media type or shape that the document does not name is an error. */
import { type Schema, Validator } from "@cfworker/json-schema";
import type { Hono } from "hono";
import { z } from "zod";
import { apiBasePath, dashboardPath } from "../../src/contracts/http.ts";
import { problemMediaType, problemSchema } from "../../src/contracts/http-views.ts";
import type { EdgeEnv } from "../../src/http/edge-env.ts";
import type { OpenApiDocument, OpenApiOperation } from "../../src/http/openapi/document.ts";

/** A stand-in that cannot answer 101, which Node's `Response` does not know, says so with this header. */
export const upgradedHeader = "x-stand-in-upgraded";

interface Template {
  readonly pattern: RegExp;
  readonly parameters: number;
  readonly operations: Readonly<Record<string, OpenApiOperation>>;
}

/** Answers outside the contract's operations: what no route, or no method, is served at. */
const unroutedStatuses: ReadonlySet<number> = new Set([401, 403, 404, 405, 413, 422, 503]);

function templateOf([path, operations]: [string, OpenApiDocument["paths"][string]]): Template {
  const pattern = new RegExp(`^${path.replaceAll(/\{[^}]+\}/gu, "[^/]+")}/?$`, "u");
  return { pattern, parameters: path.split("{").length - 1, operations };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The schema in which every object that names its fields has no others. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (!isRecord(schema)) return schema;
  const parts = Object.fromEntries(Object.entries(schema).map(([key, part]) => [key, closed(part)]));
  const namesFields = schema["type"] === "object" && "properties" in schema && !("additionalProperties" in schema);
  return namesFields ? { ...parts, additionalProperties: false } : parts;
}

const schemaShape = z.custom<Schema>(isRecord);

export class ContractViolation extends Error {
  override readonly name = "ContractViolation";
}

/** An application whose every answer is held to the contract. */
export function contractChecked<App extends Hono<EdgeEnv>>(app: App, check: () => Promise<ContractCheck>): App {
  const request = app.request.bind(app);
  app.request = async (...asked) => {
    const [input, init] = asked;
    const response = await request(...asked);
    const isRequest = input instanceof Request;
    const method = (init?.method ?? (isRequest ? input.method : "GET")).toUpperCase();
    await (await check()).check(method, isRequest ? input.url : String(input), response);
    return response;
  };
  return app;
}

export class ContractCheck {
  readonly #templates: readonly Template[];
  readonly #components: unknown;
  readonly #validators = new Map<unknown, Validator>();

  constructor(document: OpenApiDocument) {
    this.#templates = Object.entries(document.paths)
      .map(templateOf)
      .sort((left, right) => left.parameters - right.parameters);
    this.#components = closed(document.components);
  }

  /** Throws `ContractViolation` when the answer is not one that the document names. The answer can still be read. */
  async check(method: string, url: string, response: Response): Promise<void> {
    const { pathname } = new URL(url, "http://localhost");
    const status = response.headers.has(upgradedHeader) ? 101 : response.status;
    const violation = await this.#violation(method, pathname, status, response);
    if (violation !== null) throw new ContractViolation(`${method} ${pathname} answered ${status}: ${violation}`);
  }

  async #violation(method: string, path: string, status: number, response: Response): Promise<string | null> {
    if (method === "OPTIONS" || path.startsWith(dashboardPath)) return null;
    if (!response.headers.has("x-request-id")) return "it has no request id";
    const operation = this.#operation(method, path);
    if (operation === undefined) return this.#unrouted(method, status, path, response);
    const declared = operation.responses[status];
    if (declared === undefined) return "the status is not documented";
    const missing = Object.entries(declared.headers ?? {}).find(
      ([name, { required }]) => required && !response.headers.has(name),
    );
    if (missing !== undefined) return `the header ${missing[0]} is missing`;
    if (method === "HEAD" || status === 101) return null;
    const text = await response.clone().text();
    if (declared.content === undefined) return text === "" ? null : "a body is not documented";
    const mediaType = mediaTypeOf(response);
    const media = declared.content[mediaType];
    if (media === undefined) return `the media type ${mediaType} is not documented`;
    return this.#shape(media.schema, mediaType.endsWith("json") ? JSON.parse(text) : text);
  }

  #operation(method: string, path: string): OpenApiOperation | undefined {
    const found = this.#templates.find(({ pattern }) => pattern.test(path));
    return found?.operations[(method === "HEAD" ? "GET" : method).toLowerCase()];
  }

  async #unrouted(method: string, status: number, path: string, response: Response): Promise<string | null> {
    if (!path.startsWith(apiBasePath) && response.status !== 404) return null;
    if (!unroutedStatuses.has(status)) return "nothing is documented here";
    const mediaType = mediaTypeOf(response);
    if (mediaType !== problemMediaType) return `it is no problem but ${mediaType}`;
    const problem = method === "HEAD" ? null : problemSchema.strict().safeParse(await response.clone().json());
    return problem === null || problem.success ? null : z.prettifyError(problem.error);
  }

  #shape(schema: unknown, value: unknown): string | null {
    const validator = this.#validators.get(schema) ?? this.#validatorOf(schema);
    const { valid, errors } = validator.validate(value);
    if (valid) return null;
    const reasons = errors.map(({ instanceLocation, error }) => `${instanceLocation} ${error}`);
    return `${reasons.join("; ")} in ${JSON.stringify(value)}`.slice(0, 2_000);
  }

  #validatorOf(schema: unknown): Validator {
    const root = schemaShape.parse({
      ...z.record(z.string(), z.unknown()).parse(closed(schema)),
      components: this.#components,
    });
    const made = new Validator(root, "2020-12");
    this.#validators.set(schema, made);
    return made;
  }
}

function mediaTypeOf(response: Response): string {
  return (response.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}
