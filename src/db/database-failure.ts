/** What a failure of a Prisma transaction means for whoever asked. */
import { ZodError } from "zod";
import { describeError } from "../core/errors.ts";
import { Prisma } from "./generated/client.ts";
import { isConnectionLoss, isPassingSqlState, unreachable } from "./neon-driver.ts";
import { storableText } from "./records-to-rows.ts";

/**
 * `refused`: the data is at fault, and the same again would be refused again. `unreachable`: another time may do.
 * `other`: the code or the schema is at fault, such as a migration that is missing.
 */
export type FailureKind = "refused" | "unreachable" | "other";

/** Prisma's codes for a full pool, a transaction that took too long or met another, and too many connections. */
const passingCodes = new Set(["P2024", "P2028", "P2034", "P2037"]);
const recordNotFound = "P2025";
/** Classes of SQLSTATE for data that a column cannot hold, and for keys that do not fit. */
const dataClasses = new Set(["22", "23"]);

export function failureKind(error: unknown): FailureKind {
  if (error instanceof Prisma.PrismaClientKnownRequestError) return knownFailureKind(error);
  if (error instanceof Prisma.PrismaClientValidationError || error instanceof RangeError || error instanceof ZodError) {
    return "refused";
  }
  if (error instanceof Prisma.PrismaClientInitializationError || isConnectionLoss(error)) return "unreachable";
  return "other";
}

function knownFailureKind(error: Prisma.PrismaClientKnownRequestError): FailureKind {
  const sqlState = sqlStateOf(error);
  if (sqlState !== null) {
    if (dataClasses.has(sqlState.slice(0, 2))) return "refused";
    return isPassingSqlState(sqlState) ? "unreachable" : "other";
  }
  if (error.code === recordNotFound) return "refused";
  return passingCodes.has(error.code) || error.code.startsWith("P1") ? "unreachable" : "other";
}

/** PostgreSQL's own code for a failure, if it came from there. */
export function sqlStateOf(error: unknown): string | null {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return null;
  const code = property(property(property(error.meta, "driverAdapterError"), "cause"), "originalCode");
  return typeof code === "string" ? code : null;
}

/** Why the data was refused, in one line: Prisma's code, PostgreSQL's if there is one, and the last line of the message. */
export function refusalReason(error: unknown): string {
  const message = storableText(describeError(error)).trim().split("\n").at(-1) ?? "";
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return message;
  return [error.code, sqlStateOf(error), message].filter((part) => part !== null).join(" ");
}

/** The error to pass on: `AgentError` `unavailable` when Postgres cannot be reached, else the error as it is. */
export function databaseFailure(error: unknown): unknown {
  return failureKind(error) === "unreachable" ? unreachable(error) : error;
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
