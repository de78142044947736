/** Holds every answer of a stack's Worker to the contract that it serves. */
import { z } from "zod";
import { apiBasePath, requestIdHeader } from "../../src/contracts/http.ts";
import type { OpenApiDocument } from "../../src/http/openapi/document.ts";
import { ContractCheck } from "./contract-check.ts";

export interface ContractWatch {
  /** Lets requests be again. Throws when an answer was not one that the document names, whoever read it. */
  stop(): void;
}

/** Puts itself before this process's `fetch`; answers of the local runtime while its Worker is away are not the Worker's. */
export async function watchContract(workerUrl: () => string): Promise<ContractWatch> {
  const { fetch: send } = globalThis;
  const document = await send(`${workerUrl()}${apiBasePath}/openapi.json`);
  const check = new ContractCheck(z.custom<OpenApiDocument>().parse(await document.json()));
  const violations: unknown[] = [];

  globalThis.fetch = async (...asked) => {
    const [input, init] = asked;
    const response = await send(...asked);
    const request = input instanceof Request ? input : { url: String(input), method: "GET" };
    const isOurs = request.url.startsWith(`${workerUrl()}${apiBasePath}`);
    if (!isOurs || (response.status >= 500 && !response.headers.has(requestIdHeader))) return response;
    try {
      await check.check(init?.method ?? request.method, request.url, response);
    } catch (error) {
      violations.push(error);
    }
    return response;
  };

  return {
    stop: () => {
      globalThis.fetch = send;
      if (violations.length > 0) throw new AggregateError(violations, "the Worker broke its contract");
    },
  };
}
