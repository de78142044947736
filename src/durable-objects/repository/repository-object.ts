import { DurableObject } from "cloudflare:workers";

export class RepositoryObject extends DurableObject<Env> {}
