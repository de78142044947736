/** Stands for `cloudflare:workers` outside of workerd: what the object classes need of it. */
export class DurableObject<Bindings = unknown> {
  protected readonly ctx: DurableObjectState;
  protected readonly env: Bindings;

  constructor(ctx: DurableObjectState, env: Bindings) {
    this.ctx = ctx;
    this.env = env;
  }
}
