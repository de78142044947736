/** What this code needs of a binding to objects. */
export interface ObjectNamespace {
  getByName(name: string): { fetch(request: Request): Promise<Response> };
}

/**
 * The stub of a named object as its RPC interface, which the caller names. What guarantees it: the object's class
 * `implements` the interface, and its methods take and return plain data. The compiler cannot follow the stub's own type.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the parameter is the caller's statement of the interface
export function rpcStub<Methods>(namespace: ObjectNamespace, name: string): Methods {
  const stub: unknown = namespace.getByName(name);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the guarantee stands above
  return stub as Methods;
}
