/** Describes Workers to the bare runtime, in the text form of its configuration. */
import path from "node:path";
import type { Bundle, WorkerConfiguration } from "./harness-bundle.ts";

export type Binding =
  | { readonly kind: "text"; readonly name: string; readonly value: string }
  | { readonly kind: "json"; readonly name: string; readonly value: unknown }
  | { readonly kind: "objects"; readonly name: string; readonly className: string; readonly service?: string }
  /** A queue is whatever service takes its messages. */
  | { readonly kind: "queue"; readonly name: string; readonly service: string; readonly entrypoint: string };

export interface WorkerService {
  readonly name: string;
  readonly bundle: Bundle;
  readonly bindings: readonly Binding[];
  /** Classes of the objects that it holds, each with storage on disk. */
  readonly objectClasses: readonly string[];
  /** Keeps idle objects in memory, which the runtime otherwise lets go of after some seconds. */
  readonly keepsObjects?: boolean;
}

/** The disk service that holds the objects' databases. */
const storageService = "storage";

function text(value: string): string {
  return JSON.stringify(value);
}

function list(items: readonly string[]): string {
  return `[${items.join(", ")}]`;
}

function bindingText(binding: Binding): string {
  const name = `name = ${text(binding.name)}`;
  switch (binding.kind) {
    case "text":
      return `(${name}, text = ${text(binding.value)})`;
    case "json":
      return `(${name}, json = ${text(JSON.stringify(binding.value))})`;
    case "queue":
      return `(${name}, queue = (name = ${text(binding.service)}, entrypoint = ${text(binding.entrypoint)}))`;
    case "objects":
  }
  const service = binding.service === undefined ? "" : `, serviceName = ${text(binding.service)}`;
  return `(${name}, durableObjectNamespace = (className = ${text(binding.className)}${service}))`;
}

function modulesText({ directory, mainModule, wasmModules }: Bundle, configDirectory: string): string {
  const embed = (file: string): string => text(path.relative(configDirectory, path.join(directory, file)));
  return list([
    `(name = ${text(mainModule)}, esModule = embed ${embed(mainModule)})`,
    ...wasmModules.map((file) => `(name = ${text(file)}, wasm = embed ${embed(file)})`),
  ]);
}

function serviceText(
  service: WorkerService,
  configuration: WorkerConfiguration,
  directories: StorageDirectories,
): string {
  const namespaces = service.objectClasses.map(
    (className) =>
      `(className = ${text(className)}, uniqueKey = ${text(`${service.name}-${className}`)}, enableSql = true, ` +
      `preventEviction = ${service.keepsObjects === true})`,
  );
  const fields = [
    `modules = ${modulesText(service.bundle, directories.config)}`,
    `compatibilityDate = ${text(configuration.compatibilityDate)}`,
    `compatibilityFlags = ${list(configuration.compatibilityFlags.map(text))}`,
    `bindings = ${list(service.bindings.map(bindingText))}`,
    `globalOutbound = "loopback"`,
    ...(namespaces.length === 0
      ? []
      : [`durableObjectNamespaces = ${list(namespaces)}`, `durableObjectStorage = (localDisk = "${storageService}")`]),
  ];
  return `(name = ${text(service.name)}, worker = (${fields.join(",\n    ")}))`;
}

export interface StorageDirectories {
  readonly config: string;
  /** Where the objects' databases go. */
  readonly storage: string;
}

/**
 * The runtime's whole configuration: every service listens on a free loopback port, under its own name, and can reach
 * this machine alone.
 */
export function runtimeConfig(
  services: readonly WorkerService[],
  configuration: WorkerConfiguration,
  directories: StorageDirectories,
): string {
  const all = [
    ...services.map((service) => serviceText(service, configuration, directories)),
    `(name = "${storageService}", disk = (path = ${text(directories.storage)}, writable = true))`,
    `(name = "loopback", network = (allow = ["local"]))`,
  ];
  const sockets = services.map(
    ({ name }) => `(name = ${text(name)}, address = "127.0.0.1:0", http = (), service = ${text(name)})`,
  );
  return [
    `using Workerd = import "/workerd/workerd.capnp";`,
    `const config :Workerd.Config = (`,
    `  services = [\n  ${all.join(",\n  ")}\n  ],`,
    `  sockets = ${list(sockets)}`,
    `);`,
    ``,
  ].join("\n");
}
