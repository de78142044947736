import { DurableObject } from "cloudflare:workers";

export class PlatformObject extends DurableObject<Env> {}
