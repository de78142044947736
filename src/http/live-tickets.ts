/**
 * Tickets for live sockets: a browser can put no header on an upgrade, so it shows a ticket instead. It is a signed token
 * of its own kind that says what its holder may watch; the organization's object takes each of them once.
 */
import { errors, jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import { organizationIdSchema } from "../contracts/http.ts";
import type { LiveViewer } from "../contracts/live-viewer.ts";
import type { Clock } from "../core/clock.ts";
import { newId } from "../core/ids.ts";

const lifetimeSeconds = 30;
const algorithm = "HS256";
const type = "live-ticket+jwt";

/** What a ticket grants, with the time at which its socket closes. */
export type TicketGrant = Pick<LiveViewer, "organizationId" | "person" | "visibility" | "issueId" | "closesAtMs">;

const claimsSchema = z.object({
  jti: z.string(),
  exp: z.int(),
  org: organizationIdSchema,
  sub: z.string().min(1),
  /** Null: everything of the organization. */
  own: z.array(z.string()).nullable(),
  /** Null: not only one issue. */
  issue: z.string().nullable(),
  end: z.int(),
});

export interface LiveTicketOptions {
  /** 32 bytes that every isolate of a deployment has, and nobody else. */
  readonly key: Uint8Array;
  readonly clock: Clock;
}

export class LiveTickets {
  readonly #key: Uint8Array;
  readonly #clock: Clock;

  constructor({ key, clock }: LiveTicketOptions) {
    this.#key = key;
    this.#clock = clock;
  }

  /** A ticket for one socket, to be opened within 30 s. */
  async issue({ organizationId, person, visibility, issueId, closesAtMs }: TicketGrant): Promise<{
    readonly ticket: string;
    readonly expiresAtMs: number;
  }> {
    const nowMs = this.#clock.nowMs();
    const expiresAtSeconds = Math.floor(nowMs / 1_000) + lifetimeSeconds;
    const own = visibility.kind === "own" ? visibility.userIds : null;
    const ticket = await new SignJWT({ org: organizationId, own, issue: issueId, end: closesAtMs })
      .setProtectedHeader({ alg: algorithm, typ: type })
      .setSubject(person)
      .setJti(newId("ticket", nowMs))
      .setExpirationTime(expiresAtSeconds)
      .sign(this.#key);
    return { ticket, expiresAtMs: expiresAtSeconds * 1_000 };
  }

  /** What a ticket grants, and its identity; null for one that is none or none any more. Whether it was used is not said. */
  async read(ticket: string): Promise<(TicketGrant & Pick<LiveViewer, "ticket">) | null> {
    const claims = claimsSchema.safeParse(await this.#claims(ticket));
    if (!claims.success) return null;
    const { jti: id, exp, org: organizationId, sub: person, own, issue: issueId, end: closesAtMs } = claims.data;
    const visibility = own === null ? { kind: "all" as const } : { kind: "own" as const, userIds: own };
    return { organizationId, person, visibility, issueId, closesAtMs, ticket: { id, expiresAtMs: exp * 1_000 } };
  }

  async #claims(ticket: string): Promise<unknown> {
    try {
      const currentDate = new Date(this.#clock.nowMs());
      return (await jwtVerify(ticket, this.#key, { algorithms: [algorithm], typ: type, currentDate })).payload;
    } catch (error) {
      if (error instanceof errors.JOSEError) return null;
      throw error;
    }
  }
}
