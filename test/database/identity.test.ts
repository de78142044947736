import { createHash } from "node:crypto";
import { createServer, type Socket } from "node:net";
import getPort from "get-port";
import { describe, expect, it } from "vitest";
import { createDatabaseCheck } from "../../src/db/database-check.ts";
import { createIdentityPort } from "../../src/db/identity.ts";
import { createIssueReader } from "../../src/db/issue-reader.ts";
import { createProjection } from "../../src/db/projection.ts";
import { EventLogFixture } from "../support/database-event-log.ts";
import { newOrganization, settingsOf, superuserRows, wholePart } from "../support/database-fixture.ts";

const identity = createIdentityPort(settingsOf("agents_app"));
const unavailable = { failure: { code: "unavailable" } };

describe("the identity look-up", () => {
  it("finds a person of any level by the token's subject", async () => {
    const { id: organizationId, users } = await newOrganization();
    for (const user of Object.values(users)) {
      expect(await identity.findBySubject(user.supabaseId)).toEqual({
        userId: user.id,
        organizationId,
        isActive: true,
        level: user.level,
      });
    }
  });

  it("tells that a person is no longer active", async () => {
    const { users } = await newOrganization();
    await superuserRows(`UPDATE public.users SET "isActive" = false WHERE id = $1`, [users.STAFF.id]);
    expect(await identity.findBySubject(users.STAFF.supabaseId)).toMatchObject({ isActive: false });
  });

  it.each(["", "nobody", "' OR true --"])("finds nobody by %j", async (subject) => {
    expect(await identity.findBySubject(subject)).toBeNull();
  });

  it("does not take an ERP id for a subject", async () => {
    const { users } = await newOrganization();
    expect(await identity.findBySubject(users.STAFF.id)).toBeNull();
  });
});

describe("the look-up of an API key", () => {
  const hashOf = (key: string): string => createHash("sha256").update(key).digest("hex");
  const keyOf = (own: Awaited<ReturnType<typeof newOrganization>>, actingUserId: string | null = null) =>
    identity.findKey({ keyHash: hashOf(own.apiKey.key), actingUserId });

  it("finds the key by its hash", async () => {
    const own = await newOrganization();
    expect(await keyOf(own)).toEqual({
      keyId: own.apiKey.id,
      organizationId: own.id,
      scopes: ["agents:read", "agents:write", "agents:review"],
      requestsPerHour: 1_000,
      isActive: true,
      expiresAtMs: null,
      actingUser: null,
    });
  });

  it("finds whom it acts for: an active user of its organization", async () => {
    const [own, other] = [await newOrganization(), await newOrganization()];
    const { STAFF: staff, ADMIN: admin } = own.users;
    expect(await keyOf(own, staff.id)).toMatchObject({
      actingUser: { userId: staff.id, subject: staff.supabaseId, level: "STAFF" },
    });
    await superuserRows(`UPDATE public.users SET "isActive" = false WHERE id = $1`, [admin.id]);
    for (const userId of [admin.id, other.users.STAFF.id, staff.supabaseId, "nobody", ""]) {
      expect(await keyOf(own, userId)).toMatchObject({ keyId: own.apiKey.id, actingUser: null });
    }
  });

  it.each([
    [`"isActive" = false`, { isActive: false }],
    [`"revokedAt" = now()`, { isActive: false }],
    [`"expiresAt" = '2026-11-22T12:00:00.250'`, { isActive: true, expiresAtMs: Date.UTC(2026, 10, 22, 12, 0, 0, 250) }],
    [`"scopes" = '{}', "rateLimit" = 7`, { scopes: [], requestsPerHour: 7 }],
  ])("tells of a key with %s", async (change, expected) => {
    const own = await newOrganization();
    await superuserRows(`UPDATE public.api_keys SET ${change} WHERE id = $1`, [own.apiKey.id]);
    expect(await keyOf(own)).toMatchObject(expected);
  });

  it("finds none by the key itself, its prefix or its id", async () => {
    const { apiKey } = await newOrganization();
    for (const keyHash of [apiKey.key, apiKey.key.slice(0, 16), apiKey.id, "", "' OR true --"]) {
      expect(await identity.findKey({ keyHash, actingUserId: null })).toBeNull();
    }
  });
});

describe("a database that cannot be reached", () => {
  it("is told at once when nothing listens", async () => {
    const settings = { ...settingsOf("agents_app"), relay: "127.0.0.1:1" };
    await expect(createIdentityPort(settings).findBySubject("x")).rejects.toMatchObject(unavailable);
    await expect(createDatabaseCheck(settings).ping()).rejects.toMatchObject(unavailable);
    await expect(createIssueReader(settings).listLogs(wholePart("o", "i"))).rejects.toMatchObject(unavailable);
    await expect(createProjection(settings).project("o", new EventLogFixture("o"))).rejects.toMatchObject(unavailable);
  });

  it("is told within seconds when nothing answers", async () => {
    const opened: Socket[] = [];
    const silent = createServer((socket) => opened.push(socket));
    const port = await getPort({ host: "127.0.0.1" });
    await new Promise<void>((resolve) => {
      silent.listen(port, "127.0.0.1", resolve);
    });
    const settings = { ...settingsOf("agents_app"), relay: `127.0.0.1:${port}` };
    await Promise.all([
      expect(createDatabaseCheck(settings).ping()).rejects.toMatchObject(unavailable),
      expect(createIssueReader(settings).listLogs(wholePart("o", "i"))).rejects.toMatchObject(unavailable),
    ]);
    for (const socket of opened) socket.destroy();
    silent.close();
  }, 15_000);

  it("is the same as one that does not know the password", async () => {
    const settings = settingsOf("agents_app");
    const url = new URL(settings.connectionString);
    url.password = "wrong";
    const wrong = { ...settings, connectionString: url.href };
    await expect(createDatabaseCheck(wrong).ping()).rejects.toMatchObject(unavailable);
    await expect(createIssueReader(wrong).listLogs(wholePart("o", "i"))).rejects.toMatchObject(unavailable);
  });

  it("and is back as soon as it answers", async () => {
    await expect(createDatabaseCheck(settingsOf("agents_app")).ping()).resolves.toBeUndefined();
  });
});
