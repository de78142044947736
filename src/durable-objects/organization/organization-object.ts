import { DurableObject } from "cloudflare:workers";

export class OrganizationObject extends DurableObject<Env> {}
