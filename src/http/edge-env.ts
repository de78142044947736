/** What the middleware leaves for the handlers, as Hono types it. */
import type { Caller } from "../contracts/caller.ts";
import type { AdminSession } from "../contracts/platform-sessions.ts";
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
  Variables: EdgeEnv["Variables"] & {
    caller: Caller;
    /** The administrator's session whose cookie came along; null for every other credential. */
    session: AdminSession | null;
    /** When live sockets close that are opened with this credential. */
    socketsUntilMs: number;
  };
}
