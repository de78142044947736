/** Looks into values whose shape is not known. */

export function propertyOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/** A text property; empty when there is none. */
export function textOf(value: unknown, name: string): string {
  const text = propertyOf(value, name);
  return typeof text === "string" ? text : "";
}
