/** The command line of `npm start` and `npm run demo:approve`. */
import path from "node:path";
import { parseArgs } from "node:util";
import { StackError } from "./stack-error.ts";

export interface StartOptions {
  readonly stateDirectory: string;
  /** File of the developer's own keys. */
  readonly settingsFile: string;
  readonly reset: boolean;
  readonly port: number | null;
  readonly verbose: boolean;
  readonly modelLatencyMs: number;
  readonly demo: boolean;
}

export interface ApproveOptions {
  readonly stateDirectory: string;
  /** Null for the newest review that waits. */
  readonly reviewId: string | null;
}

export const startHelp = `npm start -- [options]
  --reset              begin anew: forget database, objects and pull requests of earlier runs
  --port <number>      port of the Worker (8787 or any free one)
  --state-dir <path>   where everything is kept (.local)
  --settings <path>    file of your own keys (.dev.vars)
  --latency <ms>       how long the scripted model thinks (400)
  --no-demo            submit nothing
  --verbose            every log line on the terminal`;

const defaultLatencyMs = 400;
const largestPort = 65_535;

/** Parses the arguments; null when help was asked for. Throws `StackError`. */
export function parseStartOptions(args: readonly string[]): StartOptions | null {
  const options = {
    reset: { type: "boolean", default: false },
    port: { type: "string" },
    "state-dir": { type: "string", default: ".local" },
    settings: { type: "string", default: ".dev.vars" },
    latency: { type: "string" },
    "no-demo": { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  } as const;
  const { values } = inOneLine(() => parseArgs({ args: [...args], options }));
  if (values.help) return null;
  return {
    stateDirectory: path.resolve(values["state-dir"]),
    settingsFile: path.resolve(values.settings),
    reset: values.reset,
    port: values.port === undefined ? null : wholeNumber("--port", values.port, largestPort),
    verbose: values.verbose,
    modelLatencyMs: wholeNumber("--latency", values.latency ?? String(defaultLatencyMs), Number.MAX_SAFE_INTEGER),
    demo: !values["no-demo"],
  };
}

/** Parses the arguments of `npm run demo:approve`. Throws `StackError`. */
export function parseApproveOptions(args: readonly string[]): ApproveOptions {
  const options = { "state-dir": { type: "string", default: ".local" } } as const;
  const { values, positionals } = inOneLine(() => parseArgs({ args: [...args], options, allowPositionals: true }));
  return { stateDirectory: path.resolve(values["state-dir"]), reviewId: positionals[0] ?? null };
}

/** What is wrong with the arguments, without Node's advice on how to escape them. */
function inOneLine<Parsed>(parse: () => Parsed): Parsed {
  try {
    return parse();
  } catch (error) {
    if (error instanceof TypeError) throw new StackError(error.message.split(". ")[0] ?? "", { cause: error });
    throw error;
  }
}

function wholeNumber(option: string, text: string, largest: number): number {
  const value = Number(text);
  if (/^\d+$/u.test(text) && value <= largest) return value;
  throw new StackError(`${option} takes a whole number up to ${largest}, not ${text}`);
}
