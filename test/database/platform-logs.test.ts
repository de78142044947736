import { expect, it } from "vitest";
import type { PlatformLogPage } from "../../src/contracts/ports.ts";
import { createPlatformLogReader } from "../../src/db/platform-logs.ts";
import { createProjection } from "../../src/db/projection.ts";
import { EventLogFixture } from "../support/database-event-log.ts";
import { newOrganization, settingsOf } from "../support/database-fixture.ts";

const logs = createPlatformLogReader(settingsOf("agents_platform"));
const firstMs = Date.UTC(2031, 0, 1);
const all: PlatformLogPage = {
  organizationId: null,
  levels: null,
  sinceMs: firstMs,
  untilMs: firstMs + 1_000,
  before: null,
  limit: 100,
};

it("lists the logs of all organizations, newest first, narrowed and in pages, as of the last projection", async () => {
  const beganMs = Date.now();
  const organizations = await Promise.all([newOrganization(), newOrganization()]);
  for (const { id } of organizations) {
    const log = new EventLogFixture(id);
    const job = log.createJob(log.submit());
    for (const [index, level] of (["INFO", "ERROR", "WARN"] as const).entries()) {
      log.writeLog(job, { level, message: level, atMs: firstMs + index, data: { index } });
    }
    await createProjection(settingsOf("agents_app")).project(id, log);
  }
  const { items, asOfMs } = await logs.list(all);
  expect(items).toHaveLength(6);
  expect(items.map(({ level }) => level)).toEqual(["WARN", "WARN", "ERROR", "ERROR", "INFO", "INFO"]);
  expect(items[0]).toMatchObject({ atMs: firstMs + 2, data: { index: 2 } });
  expect(asOfMs ?? 0).toBeGreaterThanOrEqual(beganMs - 1);
  const place = items[2];
  const before = place === undefined ? null : { createdAtMs: place.atMs, id: place.id };
  expect((await logs.list({ ...all, before, limit: 2 })).items).toEqual(items.slice(3, 5));

  const [first] = organizations;
  const own = await logs.list({ ...all, organizationId: first.id, levels: ["ERROR", "WARN"], untilMs: firstMs + 2 });
  expect(own.items).toMatchObject([{ organizationId: first.id, level: "ERROR" }]);
  expect(await logs.list({ ...all, organizationId: "nowhere" })).toEqual({ items: [], asOfMs: null });
});
