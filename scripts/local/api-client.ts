/** A small client of the HTTP API, for the demo and the stack's tests. */
import { z } from "zod";
import { apiBasePath, organizationHeader } from "../../src/contracts/http.ts";

export interface ApiCaller {
  /** Origin of the Worker. */
  readonly url: string;
  readonly token: string;
  /** For platform administrators: the organization acted for. */
  readonly organizationId?: string;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

const problemSchema = z.looseObject({ code: z.string(), detail: z.string() });

/** An answer of 4xx or 5xx where success was needed. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly answer: ApiAnswer;

  constructor(request: string, answer: ApiAnswer) {
    const problem = problemSchema.safeParse(answer.body);
    const reason = problem.success ? `${problem.data.code}: ${problem.data.detail}` : JSON.stringify(answer.body);
    super(`${request} was answered ${answer.status} ${reason}`);
    this.answer = answer;
  }
}

/** Headers that say who calls. */
export function callerHeaders(caller: ApiCaller): Record<string, string> {
  return {
    authorization: `Bearer ${caller.token}`,
    ...(caller.organizationId === undefined ? {} : { [organizationHeader]: caller.organizationId }),
  };
}

/** One request, whatever its answer. `path` follows `/api/agents`; a body that is a text is sent as it is. */
export async function callApi(caller: ApiCaller, method: string, path: string, body?: unknown): Promise<ApiAnswer> {
  const response = await fetch(`${caller.url}${apiBasePath}${path}`, {
    method,
    headers: { ...callerHeaders(caller), ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? null : parseJson(text) };
}

/** One request that must succeed, its answer parsed. Throws `ApiError`, and `ZodError` for an unexpected shape. */
export async function requireApi<Schema extends z.ZodType>(
  caller: ApiCaller,
  schema: Schema,
  method: string,
  path: string,
  body?: unknown,
): Promise<z.infer<Schema>> {
  const answer = await callApi(caller, method, path, body);
  if (answer.status >= 400) throw new ApiError(`${method} ${apiBasePath}${path}`, answer);
  return schema.parse(answer.body);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}
