/** Our own tables as the schema engine and the Prisma command line are told of them. */
import path from "node:path";
import type { MigrationProject } from "./schema-engine.ts";

const root = path.join(import.meta.dirname, "../..");

/**
 * What a scratch database holds before our migrations run: our schema, the part of the ERP that they name, and
 * the roles that they grant to.
 */
const scratchSql = `
CREATE SCHEMA IF NOT EXISTS "agents";
CREATE TYPE public."PermissionLevel" AS ENUM ('ADMIN', 'LEADERSHIP', 'TEAM_LEAD', 'STAFF', 'FREELANCER', 'CLIENT');
CREATE TABLE public.organizations (id text PRIMARY KEY);
CREATE TABLE public.users (
  id text PRIMARY KEY,
  "organizationId" text NOT NULL,
  "supabaseId" text,
  "isActive" boolean NOT NULL,
  "permissionLevel" public."PermissionLevel" NOT NULL
);
CREATE TABLE public.api_keys (
  id text PRIMARY KEY,
  "organizationId" text NOT NULL,
  "keyHash" text NOT NULL,
  scopes text[],
  "rateLimit" integer NOT NULL,
  "isActive" boolean NOT NULL,
  "expiresAt" timestamp,
  "revokedAt" timestamp
);
DO $$
DECLARE
  role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['agents_app', 'agents_platform'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
    END IF;
  END LOOP;
END
$$;
`;

export const agentsProject: MigrationProject = {
  schemaFile: path.join(root, "prisma/schema.prisma"),
  migrationsDirectory: path.join(root, "migrations"),
  searchPath: "agents",
  foreign: {
    schema: "public",
    tables: ["public.organizations", "public.users", "public.api_keys"],
    enums: ["public.PermissionLevel"],
    scratchSql,
  },
};
