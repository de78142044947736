/** A fault of this machine or its settings that the person at the terminal can mend: shown as one line, without a stack. */
export class StackError extends Error {
  override readonly name = "StackError";
}

/** The code of a failed system call, such as `EACCES`; null for any other value. */
export function systemErrorCode(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}

/** Runs one step of the start and turns its failure into a `StackError` of one line, led by the name of the part. */
export async function startPart<Value>(part: string, start: () => Promise<Value>): Promise<Value> {
  try {
    return await start();
  } catch (error) {
    const [firstLine = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    throw new StackError(firstLine.startsWith(part) ? firstLine : `${part}: ${firstLine}`, { cause: error });
  }
}
