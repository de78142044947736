/** The stack's log: every line into a file per part, and those that matter onto the terminal, with a coloured prefix. */
import { createWriteStream, type WriteStream } from "node:fs";
import { once } from "node:events";
import path from "node:path";
import pc from "picocolors";
import { z } from "zod";

export type LogLine = (part: string, level: string, line: string) => void;

export interface StackLog {
  readonly write: LogLine;
  close(): Promise<void>;
}

const structuredSchema = z.looseObject({ level: z.string(), message: z.string() });
const colours = [pc.cyan, pc.magenta, pc.green, pc.blue, pc.yellow];
const serious = new Set(["warn", "error"]);

/** Opens the log. `verbose` brings every line to the terminal, otherwise only warnings and errors come there. */
export function openStackLog(options: {
  readonly directory: string;
  readonly verbose: boolean;
  readonly print: (line: string) => void;
}): StackLog {
  const files = new Map<string, WriteStream>();
  const fileOf = (part: string): WriteStream => {
    const known = files.get(part);
    if (known !== undefined) return known;
    const file = createWriteStream(path.join(options.directory, `${part}.log`), { flags: "a" });
    files.set(part, file);
    return file;
  };
  const colourOf = (part: string): ((text: string) => string) =>
    colours[[...files.keys()].indexOf(part) % colours.length] ?? pc.dim;
  return {
    write: (part, level, line) => {
      fileOf(part).write(`${line}\n`);
      const readable = readableLine(level, line);
      if (options.verbose || serious.has(readable.level)) {
        options.print(`${colourOf(part)(part.padEnd(8))} ${readable.text}`);
      }
    },
    close: async () => {
      for (const file of files.values()) {
        file.end();
        await once(file, "close");
      }
    },
  };
}

/** A structured line as people read it, `message field=value …`; any other line as it is. */
function readableLine(level: string, line: string): { readonly level: string; readonly text: string } {
  const structured = parseStructured(line);
  if (structured === null) return { level, text: tinted(level, line) };
  const { level: ownLevel, message, ...fields } = structured;
  const pairs = Object.entries(fields).map(([name, value]) => pc.dim(`${name}=${fieldText(value)}`));
  const shown = ownLevel.toLowerCase();
  return { level: shown, text: [tinted(shown, message), ...pairs].join(" ") };
}

function fieldText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

function parseStructured(line: string): z.infer<typeof structuredSchema> | null {
  if (!line.startsWith("{")) return null;
  try {
    return structuredSchema.safeParse(JSON.parse(line)).data ?? null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function tinted(level: string, text: string): string {
  if (level === "error") return pc.red(text);
  return level === "warn" ? pc.yellow(text) : text;
}
