/** The OpenAPI 3.1 document (spec.openapis.org/oas/v3.1.1), made from the declarations that the routes run by. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { actingUserHeader, organizationHeader, requestIdHeader, sessionCookie } from "../../contracts/http.ts";
import { type ComponentSchemas, componentSchemas, type JsonSchema } from "./component-schemas.ts";

type Definition = OpenAPIHono["openAPIRegistry"]["definitions"][number];
type Route = Extract<Definition, { type: "route" }>["route"];
type RouteResponse = Exclude<Route["responses"][string], { $ref: string }>;

interface OpenApiParameter {
  readonly name: string;
  readonly in: "query" | "path" | "header";
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

interface MediaTypes {
  readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>>;
}

export interface OpenApiResponse extends MediaTypes {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly required: boolean; readonly schema: JsonSchema }>>;
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly OpenApiParameter[];
  readonly requestBody?: MediaTypes & { readonly required: boolean };
  readonly responses: Readonly<Record<string, OpenApiResponse>>;
}

export interface OpenApiDocument {
  readonly openapi: "3.1.1";
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly securitySchemes: Readonly<Record<string, object>>;
  };
}

const description = `Submit issues, follow the agents that work on them, and review what they made.

Errors are problem details (RFC 9457); the list of their codes is closed. Every answer carries \`${requestIdHeader}\`. A
body is JSON in UTF-8 without unknown fields; a text holds neither U+0000 nor half a surrogate pair.`;

const tags = {
  issues: "Issues: submit, read, command",
  reviews: "Changes that wait for a person",
  live: "What happens, as it happens",
  organization: "What the organization may use, and has used",
  admin: "For administrators",
  service: "The service itself",
} as const;

/** Where each part of a request stands in a route's declaration. */
const parameterPlaces = { query: "query", params: "path", headers: "header" } as const;

/** What authentication reads beside the credential, on every route that needs one. */
const callerParameters: readonly OpenApiParameter[] = [
  {
    name: organizationHeader,
    in: "header",
    required: false,
    description: "The organization that a platform administrator acts for; nobody else's is heeded.",
    schema: { type: "string" },
  },
  {
    name: actingUserHeader,
    in: "header",
    required: false,
    description: "The user whom an API key acts for; only a key's is heeded.",
    schema: { type: "string" },
  },
];

function zodSchemasOf(content: RouteResponse["content"] = {}): readonly (readonly [string, z.ZodType])[] {
  return Object.entries(content).flatMap(([mediaType, media]) =>
    media !== undefined && "schema" in media && media.schema instanceof z.ZodType
      ? [[mediaType, media.schema] as const]
      : [],
  );
}

function parameterSchemas({ request = {} }: Route): readonly (readonly [OpenApiParameter["in"], string, z.ZodType])[] {
  return Object.entries(parameterPlaces).flatMap(([part, place]) => {
    const declared = request[part === "query" ? "query" : part === "params" ? "params" : "headers"];
    if (!(declared instanceof z.ZodObject)) return [];
    return Object.entries(declared.shape).map(
      ([name, schema]) => [place, name, z.instanceof(z.ZodType).parse(schema)] as const,
    );
  });
}

function responsesOf({ responses }: Route): readonly (readonly [string, RouteResponse])[] {
  return Object.entries(responses).flatMap(([status, response]) =>
    "$ref" in response ? [] : [[status, response] as const],
  );
}

interface Schemas {
  readonly input: ComponentSchemas;
  readonly output: ComponentSchemas;
}

function schemasOf(routes: readonly Route[]): Schemas {
  const input = routes.flatMap((route) => [
    ...parameterSchemas(route).map(([, , schema]) => schema),
    ...zodSchemasOf(route.request?.body?.content).map(([, schema]) => schema),
  ]);
  const output = routes.flatMap((route) =>
    responsesOf(route).flatMap(([, { content }]) => zodSchemasOf(content).map(([, schema]) => schema)),
  );
  return {
    input: componentSchemas(new Set(input), "input"),
    output: componentSchemas(new Set(output), "output"),
  };
}

function headersOf({ headers }: RouteResponse): Pick<OpenApiResponse, "headers"> {
  if (!(headers instanceof z.ZodObject)) return {};
  const entries = Object.entries(headers.shape).map(([name, declared]) => {
    const schema = z.instanceof(z.ZodType).parse(declared);
    return [name, { required: !schema.isOptional(), schema: { type: "string" } }] as const;
  });
  return { headers: Object.fromEntries(entries) };
}

function contentOf(content: RouteResponse["content"], schemas: ComponentSchemas): MediaTypes {
  const entries = zodSchemasOf(content).map(
    ([mediaType, schema]) => [mediaType, { schema: schemas.of(schema) }] as const,
  );
  return entries.length === 0 ? {} : { content: Object.fromEntries(entries) };
}

function operationOf(route: Route, { input, output }: Schemas): OpenApiOperation {
  const { operationId = "", tags: routeTags = [], summary = "", security = [] } = route;
  const body = route.request?.body;
  const ownParameters = parameterSchemas(route).map(([place, name, schema]): OpenApiParameter => {
    return { name, in: place, required: place === "path" || !schema.isOptional(), schema: input.of(schema) };
  });
  return {
    operationId,
    tags: routeTags,
    summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    security,
    parameters: security.length === 0 ? ownParameters : [...ownParameters, ...callerParameters],
    ...(body === undefined
      ? {}
      : { requestBody: { required: body.required === true, ...contentOf(body.content, input) } }),
    responses: Object.fromEntries(
      responsesOf(route).map(([status, response]) => [
        status,
        {
          description: response.description ?? "",
          ...headersOf(response),
          ...contentOf(response.content, output),
        },
      ]),
    ),
  };
}

/** The document of these routes. Throws when two different schemas go by one name. */
export function openApiDocument(definitions: readonly Definition[], version: string): OpenApiDocument {
  const routes = definitions.flatMap((definition) => (definition.type === "route" ? [definition.route] : []));
  const schemas = schemasOf(routes);
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method] = operationOf(route, schemas);
  return {
    openapi: "3.1.1",
    info: { title: "SpokeStack Agents", version, description },
    tags: Object.entries(tags).map(([name, about]) => ({ name, description: about })),
    paths,
    components: {
      schemas: merged(schemas.input.named, schemas.output.named),
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "A Supabase access token, an ERP API key, or a platform administrator's token.",
        },
        session: {
          type: "apiKey",
          in: "cookie",
          name: sessionCookie,
          description: "A platform administrator's session in a browser. Whatever changes something needs `Origin`.",
        },
      },
    },
  };
}

function merged(
  input: Readonly<Record<string, JsonSchema>>,
  output: Readonly<Record<string, JsonSchema>>,
): Readonly<Record<string, JsonSchema>> {
  for (const [name, schema] of Object.entries(input)) {
    const other = output[name];
    if (other !== undefined && JSON.stringify(other) !== JSON.stringify(schema)) {
      throw new Error(`two schemas are called ${name}`);
    }
  }
  return { ...input, ...output };
}
