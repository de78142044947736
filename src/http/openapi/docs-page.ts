/** The contract as a page: made on the server from the document, without a script or anything from another host. */
import { html } from "hono/html";
import { errorSpecs } from "../../core/errors.ts";
import { problemType } from "../problems.ts";
import { type Markup, proseOf, valueOfSchema } from "./docs-schema.ts";
import type { OpenApiDocument, OpenApiOperation, OpenApiResponse } from "./document.ts";

interface PageOperation {
  readonly method: string;
  readonly path: string;
  readonly operation: OpenApiOperation;
}

interface PageLinks {
  readonly style: string;
  readonly document: string;
}

function operationsOf(document: OpenApiDocument): readonly PageOperation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

function parametersOf({ parameters }: OpenApiOperation): Markup {
  if (parameters.length === 0) return html``;
  return html`<h4>Parameters</h4>
    <ul class="fields">
      ${parameters.map(
        ({ name, in: place, required, schema, description = "" }) =>
          html`<li>
            <code>${name}</code> <em>${place}</em> <small>${required ? "required" : "optional"}</small>
            ${valueOfSchema(schema)}${description === "" ? "" : html`<p>${proseOf(description)}</p>`}
          </li>`,
      )}
    </ul>`;
}

function bodyOf({ requestBody }: OpenApiOperation): Markup {
  if (requestBody === undefined) return html``;
  return html`<h4>Body ${requestBody.required ? "" : html`<small>may be left out</small>`}</h4>
    ${Object.values(requestBody.content ?? {}).map(({ schema }) => valueOfSchema(schema))}`;
}

function responseOf(status: string, { description, headers = {}, content = {} }: OpenApiResponse): Markup {
  return html`<li>
    <code>${status}</code> ${proseOf(description)} ${Object.keys(headers).map((name) => html`<code>${name}</code> `)}
    ${Object.entries(content).map(
      ([mediaType, { schema }]) =>
        html`<small>${mediaType}</small> ${schema.$ref?.includes("/Problem.") ? "" : valueOfSchema(schema)}`,
    )}
  </li>`;
}

function operationOf({ method, path, operation }: PageOperation): Markup {
  const { operationId, summary, description, security, responses } = operation;
  return html`<details id="${operationId}">
    <summary><b class="${method.toLowerCase()}">${method}</b> <code>${path}</code> ${summary}</summary>
    ${description === undefined ? "" : html`<p>${proseOf(description)}</p>`}
    <p><small>${security.length === 0 ? "Open to anyone." : "Needs an access token."}</small></p>
    ${parametersOf(operation)}${bodyOf(operation)}
    <h4>Answers</h4>
    <ul class="fields">
      ${Object.entries(responses).map(([status, response]) => responseOf(status, response))}
    </ul>
  </details>`;
}

const actors = { caller: "you", operator: "the operator", nobody: "nobody: it passes" } as const;

function problemTable(): Markup {
  return html`<table>
    <thead>
      <tr>
        <th>code</th>
        <th>status</th>
        <th>meaning</th>
        <th>who must act</th>
        <th>safe to send again</th>
      </tr>
    </thead>
    <tbody>
      ${Object.entries(errorSpecs).map(
        ([code, { status, title, actor, retryable }]) =>
          html`<tr id="problem-${code}">
            <td><code>${code}</code></td>
            <td>${status}</td>
            <td>${title}<br /><small>${problemType(code)}</small></td>
            <td>${actors[actor]}</td>
            <td>${retryable ? "yes, after Retry-After" : "no"}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** The whole page. Each operation, schema and problem code has an anchor of its own. */
export function docsPage(document: OpenApiDocument, links: PageLinks): Markup {
  const operations = operationsOf(document);
  const schemas = Object.entries(document.components.schemas).filter(([name]) => !name.startsWith("Problem."));
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${document.info.title} API</title>
        <link rel="stylesheet" href="${links.style}" />
      </head>
      <body>
        <header>
          <h1>${document.info.title} API</h1>
          <p>Version ${document.info.version} · <a href="${links.document}">OpenAPI document</a></p>
          ${document.info.description.split("\n\n").map((paragraph) => html`<p>${proseOf(paragraph)}</p>`)}
        </header>
        <main>
          ${document.tags.map(
            ({ name, description }) =>
              html`<section>
                <h2 id="${name}">${description}</h2>
                ${operations.filter(({ operation }) => operation.tags.includes(name)).map(operationOf)}
              </section>`,
          )}
          <section>
            <h2 id="problems">Problems</h2>
            ${problemTable()}
          </section>
          <section>
            <h2 id="schemas">Schemas</h2>
            ${schemas.map(
              ([name, schema]) =>
                html`<article id="schema-${name}">
                  <h3><code>${name}</code></h3>
                  ${valueOfSchema(schema)}
                </article>`,
            )}
          </section>
        </main>
      </body>
    </html>`;
}
