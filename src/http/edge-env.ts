/** What the middleware leaves for the handlers, as Hono types it. */
import type { Caller } from "../contracts/caller.ts";
import type { Logger } from "../core/log.ts";

export interface EdgeEnv {
  Variables: {
    /** Minted here for every request; it is the correlation id of what the request starts. */
    requestId: string;
    log: Logger;
  };
}

/** Behind authentication. */
export interface CallerEnv {
  Variables: EdgeEnv["Variables"] & { caller: Caller };
}
