/** How the database scripts read their settings and end: one line, whatever happens. */
import process from "node:process";

/** A required setting of the environment; throws an `Error` that names it. */
export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set`);
  return value;
}

/** Runs a script's work and prints the line that it answers; an error becomes one line and exit code 1. */
export async function runScript(work: () => Promise<string>): Promise<void> {
  try {
    console.log(await work());
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
