/** A row as a floor writes it over and over: with the bytes of a real one, and new where a real one would be new. */

export type ValueTemplate =
  | { readonly kind: "number"; readonly value: number | null }
  /** Counts on from row to row. */
  | { readonly kind: "counter" }
  /** A fresh id stands between every two parts. */
  | { readonly kind: "text"; readonly parts: readonly string[] };

export interface RowTemplate {
  readonly table: string;
  readonly columns: readonly string[];
  readonly values: readonly ValueTemplate[];
}

/** Where an object's key-value pairs are kept; statements may not touch it. */
export const keyValueTable = "_cf_KV";
