/** Prints `N passed, N failed, N skipped` from Vitest's JSON results, and fails when anything failed or was skipped. */
import { readFileSync } from "node:fs";

const [resultsPath, gateStatus] = process.argv.slice(2);
const text = readFileSync(resultsPath, "utf8");
const results = text === "" ? null : JSON.parse(text);
const tests = (results?.testResults ?? []).flatMap((file) => file.assertionResults);
const passed = tests.filter((test) => test.status === "passed").length;
const skipped = tests.filter((test) => test.status !== "passed" && test.status !== "failed");
const failedTests = tests.filter((test) => test.status === "failed").length;
// A gate that stopped before its tests, or outside of one, has failed all the same.
const failed = failedTests > 0 ? failedTests : Number(gateStatus !== "0" || results === null);

for (const test of skipped) console.log(`skipped: ${test.fullName}`);
console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
process.exitCode = failed > 0 || skipped.length > 0 ? 1 : 0;
