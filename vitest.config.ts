import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { wasmModules } from "./test/support/database-wasm.ts";

/** Five depths: pure logic in Node, the objects in a simulation and in workerd, services on PostgreSQL, and the whole stack. */
export default defineConfig({
  test: {
    // What a passing test prints is noise; what a failing one printed is evidence.
    silent: "passed-only",
    reporters: process.env["VITEST_RESULTS_FILE"]
      ? ["default", ["json", { outputFile: process.env["VITEST_RESULTS_FILE"] }]]
      : ["default"],
    projects: [
      { test: { name: "node", include: ["test/{node,fairness,lists}/**/*.test.ts"] } },
      {
        resolve: {
          alias: { "cloudflare:workers": new URL("test/simulator/cloudflare-workers.ts", import.meta.url).pathname },
        },
        test: { name: "simulator", include: ["test/simulator/**/*.test.ts"], testTimeout: 600_000 },
      },
      {
        plugins: [
          cloudflareTest({
            main: "./test/workerd/objects-worker.ts",
            wrangler: { configPath: "./wrangler.toml", environment: "local" },
          }),
        ],
        test: { name: "workerd", include: ["test/workerd/**/*.test.ts"] },
      },
      {
        plugins: [wasmModules()],
        test: {
          name: "database",
          include: ["test/database/**/*.test.ts"],
          globalSetup: ["./test/support/database-setup.ts"],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "stack",
          include: ["test/stack/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          // Alone, after the others: its timings are a tenth of production's.
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
