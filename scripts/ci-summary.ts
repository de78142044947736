/** Prints `N passed, N failed, N skipped` from Vitest's JSON results, and fails when anything failed or was skipped. */
import { readFileSync } from "node:fs";
import process from "node:process";
import { z } from "zod";

const resultsSchema = z.object({
  testResults: z.array(z.object({ assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })) })),
});

const [resultsPath = "", gateStatus = "1"] = process.argv.slice(2);
const text = readFileSync(resultsPath, "utf8");
const tests =
  text === "" ? [] : resultsSchema.parse(JSON.parse(text)).testResults.flatMap((file) => file.assertionResults);
const passed = tests.filter((test) => test.status === "passed").length;
const failedTests = tests.filter((test) => test.status === "failed").length;
const skipped = tests.filter((test) => test.status !== "passed" && test.status !== "failed");
// A gate that stopped before its tests, or outside of one, has failed all the same.
const failed = failedTests === 0 && (gateStatus !== "0" || tests.length === 0) ? 1 : failedTests;

for (const test of skipped) console.log(`skipped: ${test.fullName}`);
console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
process.exitCode = failed > 0 || skipped.length > 0 ? 1 : 0;
