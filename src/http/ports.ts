/** What the HTTP edge needs from the outside; `src/composition.ts` fills it. */
import type { AgentPort } from "../contracts/agent-port.ts";
import type { LiveViewer, PlatformViewer } from "../contracts/live-viewer.ts";
import type { OrganizationRpc } from "../contracts/organization-rpc.ts";
import type { PlatformRpc } from "../contracts/platform-rpc.ts";
import type {
  DatabaseCheck,
  IdentityPort,
  IssueReader,
  PlatformLogReader,
  TokenPort,
  UsageReader,
} from "../contracts/ports.ts";
import type { Switch } from "../contracts/switches.ts";
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";

/** A platform administrator: his name, and the SHA-256 (hex) of his token. */
export interface AdminToken {
  readonly name: string;
  readonly sha256: string;
}

/** Which build answers. */
export interface Release {
  readonly version: string;
  readonly deploymentId: string;
  readonly deploymentTag: string;
  readonly deployedAt: string;
}

/** The edge submits, reads and decides; claiming and finishing work is not among what it can call. */
export type EdgeOrganization = Pick<
  OrganizationRpc,
  | "submit"
  | "submitBatch"
  | "readUsage"
  | "countKeyRequest"
  | "readDecisions"
  | "readIssue"
  | "listUnprojected"
  | "listSteps"
  | "listLogs"
  | "listArtifacts"
  | "readTranscript"
  | "listUnprojectedReviews"
  | "readReview"
  | "decideReview"
  | "commandIssue"
  | "sendMessage"
  | "giveFeedback"
  | "listDeadLetters"
  | "readBudget"
>;
type EdgePlatform = Pick<
  PlatformRpc,
  | "readTerms"
  | "putOrganization"
  | "readOrganization"
  | "readStatus"
  | "readSwitches"
  | "setSwitch"
  | "removeSwitch"
  | "administer"
  | "readAudit"
  | "openSession"
  | "findSession"
  | "listSessions"
  | "endSession"
>;

/** The part of the objects' clients that the edge uses. */
export interface EdgeObjects {
  organization(organizationId: string): EdgeOrganization;
  platform(): EdgePlatform;
}

export interface AppPorts {
  readonly objects: EdgeObjects;
  /** Hands a WebSocket upgrade and its viewer to the viewer's organization, and returns that object's answer. */
  readonly openLiveSocket: (upgrade: Request, viewer: LiveViewer) => Promise<Response>;
  /** Hands a WebSocket upgrade to the platform, and returns its answer. */
  readonly openPlatformSocket: (upgrade: Request, viewer: PlatformViewer) => Promise<Response>;
  readonly tokens: TokenPort;
  readonly identities: IdentityPort;
  /** Loaded on demand: the submit path must not load Prisma. */
  readonly issues: () => Promise<IssueReader>;
  readonly usage: UsageReader;
  readonly platformLogs: PlatformLogReader;
  readonly database: DatabaseCheck;
  readonly adminTokens: readonly AdminToken[];
  /** By which what the edge hands out is known when it comes back; every isolate of a deployment has the same. */
  readonly signingKeys: { readonly tickets: Uint8Array<ArrayBuffer>; readonly sessions: Uint8Array<ArrayBuffer> };
  /** Origins of pages, beside the Worker's own, that may call the API and open live sockets. */
  readonly allowedOrigins: ReadonlySet<string>;
  readonly agents: AgentPort;
  /** Switches that only a deploy can change. */
  readonly settingSwitches: readonly Switch[];
  /** Name of each integration, and whether it is configured. */
  readonly integrations: Readonly<Record<string, boolean>>;
  readonly release: Release;
  readonly clock: Clock;
  readonly log: Logger;
}
