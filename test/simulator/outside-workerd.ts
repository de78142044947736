/** Lets Node load the object classes, which import what exists in workerd only. */
import { registerHooks } from "node:module";

/** To be called before they are imported. */
export function allowObjectClasses(): void {
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "cloudflare:workers"
        ? {
            url: new URL("cloudflare-workers.ts", import.meta.url).href,
            format: "module-typescript",
            shortCircuit: true,
          }
        : next(specifier, context),
  });
}
