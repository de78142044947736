import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { apiBasePath, noQuerySchema } from "../../contracts/http.ts";
import type { EdgeEnv } from "../edge-env.ts";
import { docsHeaders } from "../middleware/response-headers.ts";
import { docsPage } from "../openapi/docs-page.ts";
import { docsStyle } from "../openapi/docs-style.ts";
import type { OpenApiDocument } from "../openapi/document.ts";
import { textContent } from "./json-content.ts";
import { openProblems } from "./problem-responses.ts";

const documentRoute = createRoute({
  method: "get",
  path: "/openapi.json",
  operationId: "readContract",
  tags: ["service"],
  summary: "This document",
  request: { query: noQuerySchema },
  responses: {
    200: textContent("application/json", "The OpenAPI document", z.looseObject({ openapi: z.string() })),
    ...openProblems("invalid_request"),
  },
});

const pageRoute = createRoute({
  method: "get",
  path: "/docs",
  operationId: "readDocs",
  tags: ["service"],
  summary: "This document as a page for people",
  request: { query: noQuerySchema },
  responses: { 200: textContent("text/html", "The page"), ...openProblems("invalid_request") },
});

const styleRoute = createRoute({
  method: "get",
  path: "/docs/style.css",
  operationId: "readDocsStyle",
  tags: ["service"],
  summary: "The style of the page for people",
  request: { query: noQuerySchema },
  responses: { 200: textContent("text/css", "The style"), ...openProblems("invalid_request") },
});

const cached = { "cache-control": "public, max-age=300" };

/** What `make` makes, made once: when it is first asked for. */
function once<Made>(make: () => Made): () => Made {
  let made: { readonly value: Made } | null = null;
  return () => (made ??= { value: make() }).value;
}

/** The contract, for programs and for people. It is made when it is first asked for, not when the Worker starts. */
export function contractRoutes(makeDocument: () => OpenApiDocument): OpenAPIHono<EdgeEnv> {
  const links = { style: `${apiBasePath}/docs/style.css`, document: `${apiBasePath}/openapi.json` };
  const document = once(makeDocument);
  const text = once(() => JSON.stringify(document()));
  const page = once(async () => (await docsPage(document(), links)).toString());
  return new OpenAPIHono<EdgeEnv>()
    .openapi(documentRoute, (c) => c.body(text(), 200, { ...cached, "content-type": "application/json" }))
    .openapi({ ...pageRoute, middleware: docsHeaders() }, async (c) => c.html(await page(), 200, cached))
    .openapi(styleRoute, (c) => c.body(docsStyle, 200, { ...cached, "content-type": "text/css; charset=utf-8" }));
}
