/** From switches to what the API shows. */
import type { z } from "zod";
import type { switchViewSchema } from "../contracts/http-switches.ts";
import type { Switch } from "../contracts/switches.ts";
import { isoTime } from "../core/clock.ts";

export function switchView(shown: Switch): z.infer<typeof switchViewSchema> {
  const { createdAtMs, expiresAtMs, ...rest } = shown;
  return { ...rest, createdAt: isoTime(createdAtMs), expiresAt: expiresAtMs === null ? null : isoTime(expiresAtMs) };
}
