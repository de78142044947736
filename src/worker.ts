/** The Worker's table of contents: what the platform calls, and where it leads. */
export { OrganizationObject } from "./durable-objects/organization/organization-object.ts";
export { PlatformObject } from "./durable-objects/platform/platform-object.ts";
export { RepositoryObject } from "./durable-objects/repository/repository-object.ts";
