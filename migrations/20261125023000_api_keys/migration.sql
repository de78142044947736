-- An ERP API key by its hash, with the user that it is used for: one who is active and of the key's organization, else
-- null. As with the other functions the body is text, and arguments are named by number.
CREATE FUNCTION "find_api_key"("keyHash" text, "actingUserId" text)
RETURNS TABLE (
  "keyId" text, "organizationId" text, "scopes" text[], "requestsPerHour" integer, "isActive" boolean,
  "expiresAtMs" double precision, "actingUserId" text, "actingSubject" text, "actingLevel" text
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
  SELECT k."id", k."organizationId", k."scopes", k."rateLimit", k."isActive" AND k."revokedAt" IS NULL,
         (EXTRACT(EPOCH FROM k."expiresAt") * 1000)::double precision,
         u."id", u."supabaseId", u."permissionLevel"::pg_catalog.text
    FROM public.api_keys k
    LEFT JOIN public.users u
      ON u."id" = $2 AND u."organizationId" = k."organizationId" AND u."isActive"
   WHERE k."keyHash" = $1
$$;

REVOKE ALL ON FUNCTION "find_api_key"(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION "find_api_key"(text, text) TO agents_app;
