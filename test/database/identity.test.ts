import { createServer, type Socket } from "node:net";
import getPort from "get-port";
import { describe, expect, it } from "vitest";
import { createDatabaseCheck } from "../../src/db/database-check.ts";
import { createIdentityPort } from "../../src/db/identity.ts";
import { createIssueReader } from "../../src/db/issue-reader.ts";
import { createProjection } from "../../src/db/projection.ts";
import { EventLogFixture } from "../support/database-event-log.ts";
import { newOrganization, settingsOf, superuserRows } from "../support/database-fixture.ts";

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

describe("a database that cannot be reached", () => {
  it("is told at once when nothing listens", async () => {
    const settings = { ...settingsOf("agents_app"), relay: "127.0.0.1:1" };
    await expect(createIdentityPort(settings).findBySubject("x")).rejects.toMatchObject(unavailable);
    await expect(createDatabaseCheck(settings).ping()).rejects.toMatchObject(unavailable);
    await expect(createIssueReader(settings).listLogs("o", "i")).rejects.toMatchObject(unavailable);
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
      expect(createIssueReader(settings).listLogs("o", "i")).rejects.toMatchObject(unavailable),
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
    await expect(createIssueReader(wrong).listLogs("o", "i")).rejects.toMatchObject(unavailable);
  });

  it("and is back as soon as it answers", async () => {
    await expect(createDatabaseCheck(settingsOf("agents_app")).ping()).resolves.toBeUndefined();
  });
});
