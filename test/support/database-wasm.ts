import { readFile } from "node:fs/promises";
import type { Plugin } from "vitest/config";

const suffix = ".wasm?module";

/** Loads `*.wasm?module` in Node as the Worker's bundle does, so that the client that ships is the one that is tested. */
export function wasmModules(): Plugin {
  return {
    name: "wasm-modules",
    enforce: "pre",
    load: async (id) => {
      if (!id.endsWith(suffix)) return null;
      const bytes = await readFile(id.slice(0, -"?module".length), "base64");
      return `export default await WebAssembly.compile(Buffer.from("${bytes}", "base64"));`;
    },
  };
}
