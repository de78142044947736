/** The problems that a route can answer, as it declares them: one response a status, with the codes that it may carry. */
import { z } from "zod";
import { problemMediaType, problemSchema } from "../../contracts/http-views.ts";
import { type ErrorCode, errorSpecs } from "../../core/errors.ts";

interface ProblemResponse {
  readonly description: string;
  readonly content: { readonly [problemMediaType]: { readonly schema: z.ZodType } };
}

/** What anything that runs can end in. */
const anyRoute: readonly ErrorCode[] = ["internal", "misconfigured"];
/** What authentication, the choice of an organization and a strict query can end in. */
const callerRoute: readonly ErrorCode[] = [
  ...anyRoute,
  "unauthenticated",
  "forbidden",
  "unavailable",
  "key_rate_limited",
  "invalid_request",
];
const bodyRoute: readonly ErrorCode[] = [...callerRoute, "malformed_json", "body_too_large", "unsupported_media_type"];

/** The same set of codes is the same object, so that the document names it once. */
const known = new Map<string, ProblemResponse>();

function problemResponseOf(status: number, codes: readonly ErrorCode[]): ProblemResponse {
  const name = codes.join(".");
  const found = known.get(name);
  if (found !== undefined) return found;
  const schema = problemSchema
    .extend({ status: z.literal(status), code: z.enum(codes) })
    .meta({ id: `Problem.${name}` });
  const description = codes.map((code) => `\`${code}\`: ${errorSpecs[code].title}`).join(" · ");
  const made = { description, content: { [problemMediaType]: { schema } } };
  known.set(name, made);
  return made;
}

/** Typed as nothing in particular: handlers throw problems, so the types of what they return are not concerned. */
type Undeclared = object;

function responses(codes: readonly ErrorCode[]): Undeclared {
  const sorted = [...new Set(codes)].sort();
  const statuses = [...new Set(sorted.map((code) => errorSpecs[code].status))];
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      problemResponseOf(
        status,
        sorted.filter((code) => errorSpecs[code].status === status),
      ),
    ]),
  );
}

/** The content of a status that is a problem in some cases only, to be put beside the other. */
export function problemContent(status: number, ...codes: readonly ErrorCode[]): ProblemResponse["content"] {
  return problemResponseOf(status, codes).content;
}

/** Of a route that anyone may call. */
export function openProblems(...codes: readonly ErrorCode[]): Undeclared {
  return responses([...anyRoute, ...codes]);
}

/** Of a route that needs a caller and takes no body. */
export function callerProblems(...codes: readonly ErrorCode[]): Undeclared {
  return responses([...callerRoute, ...codes]);
}

/** Of a route that needs a caller and takes a JSON body. */
export function bodyProblems(...codes: readonly ErrorCode[]): Undeclared {
  return responses([...bodyRoute, ...codes]);
}
