/** The measured Worker with Prisma loaded at its start, instead of when a request first needs it. */
import { createIssueReader } from "../../src/db/issue-reader.ts";
import worker from "../../src/worker.ts";

export { OrganizationObject, PlatformObject, RepositoryObject } from "../../src/worker.ts";

export default {
  ...worker,
  // Named, so that the bundler keeps it.
  fetch: (request, env) => (createIssueReader.length === 1 ? worker.fetch(request, env) : Promise.reject(new Error())),
} satisfies ExportedHandler<Env>;
