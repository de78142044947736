/** How a command of this folder ends: what a person can mend is one line, a fault of ours shows its stack. */
import pc from "picocolors";
import { ApiError } from "./api-client.ts";
import { StackError, systemErrorCode } from "./stack-error.ts";

/** Runs the command and returns its exit code. */
export async function runCommand(command: () => Promise<void>): Promise<number> {
  try {
    await command();
    return 0;
  } catch (error) {
    console.error(`${pc.red("✗")} ${explanation(error)}`);
    return 1;
  }
}

function explanation(error: unknown): string {
  if (error instanceof StackError || error instanceof ApiError) return error.message;
  if (!(error instanceof Error)) return String(error);
  const code = systemErrorCode(error.cause);
  if (code === "ECONNREFUSED") return "the Worker does not answer: is npm start still running?";
  return error.stack ?? error.message;
}
