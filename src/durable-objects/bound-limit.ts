/**
 * The last clause of a query that takes at most a bound number of rows. SQLite asks for the value of a number that stands
 * there alone, and so plans the statement anew each time it is bound: several times the cost of a small query.
 */
export const boundLimit = "LIMIT ? + 0";
