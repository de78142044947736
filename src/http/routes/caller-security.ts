/** How a caller shows who he is, as a route declares it; a route without it is open to anyone. */
export const callerSecurity = [{ bearer: [] }, { session: [] }];
