/** The live sockets of an organization: they hibernate with the object, and what they need stands in their attachments. */
import type { LiveFrame, OrganizationEvent } from "../../contracts/events.ts";
import type { LiveViewer } from "../../contracts/live-viewer.ts";
import { describeError } from "../../core/errors.ts";
import type { Logger } from "../../core/log.ts";
import type { EventLog } from "./event-log.ts";
import type { IssueTable } from "./issue-table.ts";
import { canSeeIssuesOf } from "./visibility.ts";

const replayPageEvents = 500;

interface Attachment extends Pick<LiveViewer, "visibility" | "issueId"> {
  /** Number of the event sent last on this socket, or asked for when it was opened. */
  readonly lastSeq: number;
}

export interface LiveSocketParts {
  readonly context: Pick<DurableObjectState, "acceptWebSocket" | "getWebSockets">;
  readonly issues: IssueTable;
  readonly log: EventLog;
  readonly logger: Logger;
}

export class LiveSockets {
  readonly #parts: LiveSocketParts;

  constructor(parts: LiveSocketParts) {
    this.#parts = parts;
  }

  /** Accepts an upgrade: greets, replays what the viewer has missed, and follows from there. */
  accept(viewer: LiveViewer): Response {
    const { context, log } = this.#parts;
    const { 0: client, 1: server } = new WebSocketPair();
    context.acceptWebSocket(server);
    const lastSeq = log.lastSeq();
    this.#send(server, { kind: "hello", incarnation: log.incarnation, lastSeq });
    // A number beyond the log is from another incarnation: everything here is news then.
    const after = viewer.after === null || viewer.after <= lastSeq ? viewer.after : 0;
    this.#follow(server, { visibility: viewer.visibility, issueId: viewer.issueId, lastSeq: after ?? lastSeq });
    if (after !== null) this.#replay(server, after);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Sends new events to the sockets that may see them. */
  publish(events: readonly OrganizationEvent[]): void {
    const sockets = this.#parts.context.getWebSockets();
    if (sockets.length === 0 || events.length === 0) return;
    const createdBy = this.#creators();
    for (const socket of sockets) this.#sendEvents(socket, events, createdBy);
  }

  /** Sends a running model's words to the sockets that may see the issue. */
  publishText(frame: LiveFrame & { readonly kind: "text" }): void {
    const createdBy = this.#creators();
    for (const socket of this.#parts.context.getWebSockets()) {
      const attachment = attachmentOf(socket);
      if (attachment !== null && isFor(attachment, frame.issueId, createdBy)) this.#send(socket, frame);
    }
  }

  #replay(socket: WebSocket, after: number): void {
    const { log } = this.#parts;
    const createdBy = this.#creators();
    const issueId = attachmentOf(socket)?.issueId ?? null;
    for (let seq = after; ;) {
      const page = log.after(seq, replayPageEvents, issueId);
      const last = page.at(-1);
      if (last === undefined) return;
      this.#sendEvents(socket, page, createdBy);
      seq = last.seq;
    }
  }

  #sendEvents(socket: WebSocket, events: readonly OrganizationEvent[], createdBy: CreatorOf): void {
    const attachment = attachmentOf(socket);
    if (attachment === null) return;
    let { lastSeq } = attachment;
    for (const event of events) {
      if (!isFor(attachment, event.issueId, createdBy)) continue;
      this.#send(socket, { kind: "event", prevSeq: lastSeq, event });
      lastSeq = event.seq;
    }
    if (lastSeq !== attachment.lastSeq) this.#follow(socket, { ...attachment, lastSeq });
  }

  #follow(socket: WebSocket, attachment: Attachment): void {
    socket.serializeAttachment(attachment);
  }

  #send(socket: WebSocket, frame: LiveFrame): void {
    try {
      socket.send(JSON.stringify(frame));
    } catch (error) {
      this.#parts.logger.info("socket.gone", { error: describeError(error) });
    }
  }

  /** Who submitted an issue, looked up once per use of this function. */
  #creators(): CreatorOf {
    const known = new Map<string, string | null>();
    return (issueId) => {
      const cached = known.get(issueId);
      if (cached !== undefined) return cached;
      const createdById = this.#parts.issues.find(issueId)?.createdById ?? null;
      known.set(issueId, createdById);
      return createdById;
    };
  }
}

type CreatorOf = (issueId: string) => string | null;

function isFor({ visibility, issueId }: Attachment, ofIssueId: string, createdBy: CreatorOf): boolean {
  if (issueId !== null && issueId !== ofIssueId) return false;
  return visibility.kind === "all" || canSeeIssuesOf(visibility, createdBy(ofIssueId));
}

/** The attachment of a socket; null for one that is still being opened. Only `#follow` writes attachments. */
function attachmentOf(socket: WebSocket): Attachment | null {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the guarantee stands above
  return socket.deserializeAttachment() as Attachment | null;
}
