/**
 * Reads JSON text from the object's own tables. The caller names the type; what guarantees it is that only the same
 * table's `save` writes that column, from a value of this type.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the parameter is the caller's statement of the type
export function fromStoredJson<Shape>(text: string): Shape {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the guarantee stands above; parsing every read would cost more than the read
  return JSON.parse(text) as Shape;
}
