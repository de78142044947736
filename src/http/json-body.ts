/** A request's body: parsed once, and walked once for what no schema can say of it. */
import { maxBodyDepth, maxBodyFields, maxFieldNameLength } from "../contracts/http.ts";
import { AgentError } from "../core/errors.ts";
import { InvalidRequestError } from "./problems.ts";

/** A name that assignment would take for the prototype; JSON has no use for it. */
const prototypeName = "__proto__";

/** Whether Postgres and UTF-8 can hold a text as it is: neither U+0000 nor half a surrogate pair. */
function isStorableText(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

function parse(bytes: ArrayBuffer): unknown {
  try {
    return JSON.parse(strictUtf8.decode(bytes));
  } catch (error) {
    throw new AgentError({ code: "malformed_json", detail: "The body is not JSON in UTF-8." }, { cause: error });
  }
}

type Path = readonly string[];

function refuse(path: Path, message: string): never {
  throw new InvalidRequestError([{ field: path.join(".").slice(0, maxFieldNameLength) || "body", message }]);
}

class BodyWalk {
  #fields = 0;

  /** Recursion ends at the deepest level that is allowed. */
  check(value: unknown, path: Path): void {
    if (typeof value === "string") {
      if (!isStorableText(value)) refuse(path, "holds U+0000 or half a surrogate pair");
    } else if (typeof value === "number") {
      if (!Number.isFinite(value)) refuse(path, "is too large a number");
    } else if (typeof value === "object" && value !== null) {
      if (path.length >= maxBodyDepth) refuse(path.slice(0, 1), `is nested over ${maxBodyDepth} levels deep`);
      for (const [name, part] of Object.entries(value)) this.#checkField(name, part, path);
    }
  }

  #checkField(name: string, part: unknown, path: Path): void {
    this.#fields += 1;
    if (this.#fields > maxBodyFields) refuse(path, `comes after ${maxBodyFields} fields, more than a body may have`);
    const at = [...path, name];
    if (name.length > maxFieldNameLength) refuse(at, `has a name of over ${maxFieldNameLength} characters`);
    if (name === prototypeName) refuse(at, "is not a possible name");
    if (!isStorableText(name)) refuse(at, "has a name that holds U+0000 or half a surrogate pair");
    this.check(part, at);
  }
}

/**
 * The JSON value of a body. Throws `malformed_json`, and `invalid_request`, naming the field, for what is nested too
 * deeply, has too many fields or too long names, holds text that cannot be stored or a number that is none, or a field
 * called `__proto__`.
 */
export function parseJsonBody(bytes: ArrayBuffer): unknown {
  const value = parse(bytes);
  new BodyWalk().check(value, []);
  return value;
}
