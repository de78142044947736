/** Runs a script of the project as a person would, and reads what it prints. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import process from "node:process";
import { stripVTControlCharacters } from "node:util";

export interface RunningCommand {
  /** Everything printed so far, without colours. */
  output(): string;
  /** Resolves when the text has been printed; rejects when the command ends without. */
  untilPrinted(text: string): Promise<void>;
  interrupt(): void;
  /** The exit code, once it has ended. */
  readonly exitCode: Promise<number | null>;
}

const root = path.join(import.meta.dirname, "../..");

/** Starts `node <script> <args>` in the project's folder. */
export function runScript(script: string, args: readonly string[]): RunningCommand {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed += stripVTControlCharacters(text);
    });
  }
  const exitCode = once(child, "close").then(([code]) => (typeof code === "number" ? code : null));
  return {
    output: () => printed,
    untilPrinted: async (text) => {
      while (!printed.includes(text)) {
        const ended = await Promise.race([exitCode.then(() => true), once(child.stdout, "data").then(() => false)]);
        if (ended && !printed.includes(text)) throw new Error(`“${text}” was never printed:\n${printed}`);
      }
    },
    interrupt: () => void child.kill("SIGINT"),
    exitCode,
  };
}
