/** The Worker's table of contents: what the platform calls, and where it leads. */
import { composeOnce } from "./composition.ts";

export { OrganizationObject } from "./durable-objects/organization/organization-object.ts";
export { PlatformObject } from "./durable-objects/platform/platform-object.ts";
export { RepositoryObject } from "./durable-objects/repository/repository-object.ts";

export default {
  fetch: (request, env) => composeOnce(env).fetch(request),
  queue: (batch, env) => composeOnce(env).consume(batch),
  scheduled: (controller, env) => composeOnce(env).runCron(controller.cron),
} satisfies ExportedHandler<Env>;
