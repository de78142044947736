/** The one dated table that maps the three model names to API ids and prices. */
import { z } from "zod";
import type { ModelPrice } from "../core/money.ts";

export const modelNames = ["haiku", "sonnet", "opus"] as const;
export const modelNameSchema = z.enum(modelNames);
export type ModelName = z.infer<typeof modelNameSchema>;

/** The next better model that may be used; null when there is none. */
export function nextModelUp(model: ModelName, allowed: readonly ModelName[]): ModelName | null {
  return modelNames.slice(modelNames.indexOf(model) + 1).find((better) => allowed.includes(better)) ?? null;
}

export interface ModelEntry {
  readonly apiId: string;
  readonly price: ModelPrice;
  /** Largest `max_tokens` whose answer fits into one call's time limit. */
  readonly maxOutputTokens: number;
}

/**
 * Prices as published on platform.claude.com/docs/en/about-claude/pricing on 2026-10-07. Cache writes are priced for
 * the five-minute lifetime, the only one that requests use.
 */
export const modelTable: Readonly<Record<ModelName, ModelEntry>> = {
  haiku: {
    apiId: "claude-haiku-5-5",
    maxOutputTokens: 16_384,
    price: {
      inputMicroUsdPerMillion: 100_000,
      cacheWriteMicroUsdPerMillion: 125_000,
      cacheReadMicroUsdPerMillion: 10_000,
      outputMicroUsdPerMillion: 500_000,
      longPrompt: {
        thresholdTokens: 100_000,
        prices: {
          inputMicroUsdPerMillion: 500_000,
          cacheWriteMicroUsdPerMillion: 625_000,
          cacheReadMicroUsdPerMillion: 50_000,
          outputMicroUsdPerMillion: 2_500_000,
        },
      },
    },
  },
  sonnet: {
    apiId: "claude-sonnet-5-5",
    maxOutputTokens: 12_288,
    price: {
      inputMicroUsdPerMillion: 2_000_000,
      cacheWriteMicroUsdPerMillion: 2_500_000,
      cacheReadMicroUsdPerMillion: 100_000,
      outputMicroUsdPerMillion: 10_000_000,
    },
  },
  opus: {
    apiId: "claude-opus-5-5",
    maxOutputTokens: 8_192,
    price: {
      inputMicroUsdPerMillion: 4_000_000,
      cacheWriteMicroUsdPerMillion: 5_000_000,
      cacheReadMicroUsdPerMillion: 200_000,
      outputMicroUsdPerMillion: 20_000_000,
    },
  },
};
