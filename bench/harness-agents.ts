/** The Worker that is measured, as the bare runtime is to run it: production bindings, settings of this machine. */
import { createHash } from "node:crypto";
import type { Bundle, WorkerConfiguration } from "./harness-bundle.ts";
import type { Binding, WorkerService } from "./harness-config.ts";

export const agentsService = "agents";
/** The Worker that takes the queues' messages, and works in the consumers' place. */
export const driverService = "driver";
/** Bare Workers that do no more than what a benchmark's figure is compared with. */
export const floorService = "floors";

export interface AgentsOptions {
  readonly bundle: Bundle;
  readonly configuration: WorkerConfiguration;
  /** Origin of the issuer of access tokens. */
  readonly supabaseUrl: string;
  /** Names of platform administrators; `adminTokenOf` makes their tokens. */
  readonly administrators: readonly string[];
  readonly settings?: Readonly<Record<string, string>>;
}

/** The token of an administrator of a benchmark. */
export function adminTokenOf(name: string): string {
  return `token-of-${name}`;
}

/**
 * The service. PostgreSQL does not listen where it is looked for: submissions need none of it, and identities follow from
 * the verified claim then, on the same way as from a cached row.
 */
export function agentsWorker(options: AgentsOptions): WorkerService {
  const { bundle, configuration, supabaseUrl, administrators } = options;
  const noDatabase = "postgresql://benchmark@127.0.0.1:9/none";
  const sha256 = (token: string): string => createHash("sha256").update(token).digest("hex");
  const settings: Readonly<Record<string, string>> = {
    ANTHROPIC_API_KEY: "unused",
    DATABASE_URL: noDatabase,
    DATABASE_PLATFORM_URL: noDatabase,
    DATABASE_RELAY: "127.0.0.1:9",
    SUPABASE_URL: supabaseUrl,
    ADMIN_TOKENS: administrators.map((name) => `${name}:${sha256(adminTokenOf(name))}`).join(","),
    AGENT_BACKLOG_MAX: "1000000",
    ...options.settings,
  };
  return {
    name: agentsService,
    bundle,
    objectClasses: configuration.objects.map(({ className }) => className),
    bindings: [
      ...Object.entries(settings).map(([name, value]): Binding => ({ kind: "text", name, value })),
      { kind: "json", name: "VERSION_METADATA", value: { id: "benchmark", tag: "", timestamp: "" } },
      ...configuration.objects.map(({ binding, className }): Binding => ({
        kind: "objects",
        name: binding,
        className,
      })),
      ...configuration.queues.map((name): Binding => ({
        kind: "queue",
        name,
        service: driverService,
        entrypoint: name === "AGENT_JOBS" ? "JobsQueue" : "IgnoredQueue",
      })),
    ],
  };
}

/** The driver, with access to the measured Worker's objects. */
export function driverWorker(bundle: Bundle, configuration: WorkerConfiguration): WorkerService {
  return {
    name: driverService,
    bundle,
    objectClasses: [],
    bindings: configuration.objects.map(({ binding, className }): Binding => ({
      kind: "objects",
      name: binding,
      className,
      service: agentsService,
    })),
  };
}
