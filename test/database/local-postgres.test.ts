import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client, neonConfig } from "@neondatabase/serverless";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPostgres, stopPostgres, type PostgresServer } from "../../scripts/local/postgres.ts";
import { startRelay } from "../../scripts/local/relay.ts";
import { withClient } from "../support/database-fixture.ts";

let home = "";
let server: PostgresServer;
const options = () => ({ dataDirectory: path.join(home, "data"), password: "local password/1", durable: false });

beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), "local-postgres-"));
  await chmod(home, 0o711);
  server = await startPostgres(options());
});

afterAll(async () => {
  await stopPostgres(options().dataDirectory);
  await rm(home, { recursive: true });
});

describe("a local PostgreSQL", () => {
  it("keeps its data and its port over a restart", async () => {
    await withClient(server.url("postgres"), async (client) => client.query("CREATE TABLE kept AS SELECT 1 AS one"));
    await server.stop();
    server = await startPostgres({ ...options(), port: server.port });
    const { rows } = await withClient(server.url("postgres"), async (client) => client.query("SELECT one FROM kept"));
    expect(rows).toEqual([{ one: 1 }]);
  });

  it("says in one line that it already runs", async () => {
    const message = `PostgreSQL already runs on ${options().dataDirectory} (process `;
    await expect(startPostgres(options())).rejects.toThrow(message);
  });

  it("says in one line that its port is taken", async () => {
    const other = { ...options(), dataDirectory: path.join(home, "other"), port: server.port };
    await expect(startPostgres(other)).rejects.toThrow(`PostgreSQL's port ${server.port} is taken`);
  });

  it("is stopped once", async () => {
    expect(await stopPostgres(path.join(home, "never-made"))).toBe(false);
    expect(await stopPostgres(options().dataDirectory)).toBe(true);
    expect(await stopPostgres(options().dataDirectory)).toBe(false);
    server = await startPostgres({ ...options(), port: server.port });
  });
});

describe("the relay", () => {
  function clientThrough(relay: string, url: string): Client {
    neonConfig.wsProxy = (host, port) => `${relay}/v1?address=${host}:${port}`;
    neonConfig.useSecureWebSocket = false;
    neonConfig.pipelineTLS = false;
    neonConfig.pipelineConnect = false;
    return new Client(url);
  }

  it("carries the driver to its one target and to nothing else", async () => {
    const relay = await startRelay({ target: `${server.host}:${server.port}` });
    const client = clientThrough(relay.address, server.url("postgres"));
    await client.connect();
    const { rows } = await client.query("SELECT 1 AS one");
    expect(rows).toEqual([{ one: 1 }]);
    await client.end();

    const elsewhere = clientThrough(relay.address, server.url("postgres").replace(String(server.port), "5432"));
    await expect(elsewhere.connect()).rejects.toBeDefined();
    await relay.close();
  });

  it("outlives a PostgreSQL that stops and comes back", async () => {
    const relay = await startRelay({ target: `${server.host}:${server.port}` });
    const before = clientThrough(relay.address, server.url("postgres"));
    await before.connect();
    const lost = new Promise((resolve) => before.once("error", resolve));
    before.on("error", () => undefined);
    await server.stop();
    await lost;

    const during = clientThrough(relay.address, server.url("postgres"));
    await expect(during.connect()).rejects.toBeDefined();
    server = await startPostgres({ ...options(), port: server.port });
    const after = clientThrough(relay.address, server.url("postgres"));
    await after.connect();
    expect((await after.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    await after.end();
    await relay.close();
  });

  it("says in one line that its port is taken", async () => {
    const target = `${server.host}:${server.port}`;
    const relay = await startRelay({ target });
    const port = Number(relay.address.split(":")[1]);
    await expect(startRelay({ target, port })).rejects.toThrow(`the database relay's port ${port} cannot be used`);
    await relay.close();
  });
});
