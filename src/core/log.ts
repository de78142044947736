/** Structured logs: one JSON object a line, which `wrangler tail` and Workers Logs read as fields. */
import { redactNamed } from "./redaction/redact.ts";

export type LogLevel = "DEBUG" | "INFO" | "WARN" | "ERROR";

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  with(fields: LogFields): Logger;
}

type Sink = (level: LogLevel, line: string) => void;

/* oxlint-disable no-console -- the console is where a Worker's log goes; this is the only place that writes there */
const consoleSink: Sink = (level, line) => {
  if (level === "ERROR") console.error(line);
  else if (level === "WARN") console.warn(line);
  else console.log(line);
};
/* oxlint-enable no-console */

type Line = Record<string, LogFields[string]>;

/** The fields without secrets, as they stand in a line. */
function withoutSecrets(fields: LogFields): Line {
  const line: Line = {};
  for (const [key, value] of Object.entries(fields)) {
    line[key] = typeof value === "string" ? redactNamed(value, key) : value;
  }
  return line;
}

function loggerOf(line: Line, sink: Sink): Logger {
  const write = (level: LogLevel, message: string, more: LogFields = {}): void => {
    sink(level, JSON.stringify({ level, ...withoutSecrets({ message }), ...line, ...withoutSecrets(more) }));
  };
  return {
    debug: (message, more) => write("DEBUG", message, more),
    info: (message, more) => write("INFO", message, more),
    warn: (message, more) => write("WARN", message, more),
    error: (message, more) => write("ERROR", message, more),
    with: (more) => loggerOf({ ...line, ...withoutSecrets(more) }, sink),
  };
}

/**
 * A logger whose lines are `{level, message, …fields}`. `correlationId` is the field that joins a request to
 * every later queue delivery of the same issue. Secrets in fields and messages are left out.
 */
export function createLogger(fields: LogFields = {}, sink: Sink = consoleSink): Logger {
  return loggerOf(withoutSecrets(fields), sink);
}
