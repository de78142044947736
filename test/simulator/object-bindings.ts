/** What guarantees it: these are the bindings that the object classes read; a missing one throws and fails the run. */
export function asEnv(bindings: object): Env {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the guarantee stands above
  return bindings as Env;
}
