import type { PlatformRpc } from "../contracts/platform-rpc.ts";
import type { DatabaseCheck, RetentionPort } from "../contracts/ports.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";

/** What the scheduled work needs from the outside; `src/composition.ts` fills it. */
export interface CronPorts {
  readonly objects: { platform(): Pick<PlatformRpc, "readStatus" | "recordHealth" | "wakeOverdue"> };
  readonly database: DatabaseCheck;
  /** Loaded on demand: only the clean-up needs it. */
  readonly retention: () => Promise<RetentionPort>;
  /** Resolves when GitHub answers; null while the integration is off. */
  readonly pingGitHub: (() => Promise<void>) | null;
  /** A busy organization that has not reported for so long is woken. */
  readonly overdueAfterMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}
