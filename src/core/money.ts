/** Money is integer micro-dollars (1 USD = 1 000 000); this file turns tokens into it. */

/** The four token classes that a model call reports. */
export interface TokenUsage {
  readonly inputTokens: number;
  readonly cacheWriteTokens: number;
  readonly cacheReadTokens: number;
  readonly outputTokens: number;
}

/** Prices in micro-dollars per million tokens, so that every published price is an integer. */
interface TokenPrices {
  readonly inputMicroUsdPerMillion: number;
  readonly cacheWriteMicroUsdPerMillion: number;
  readonly cacheReadMicroUsdPerMillion: number;
  readonly outputMicroUsdPerMillion: number;
}

export interface ModelPrice extends TokenPrices {
  /** Applies to the whole request when its prompt (input, cache writes and reads) exceeds the threshold. */
  readonly longPrompt?: { readonly thresholdTokens: number; readonly prices: TokenPrices };
}

export const noUsage: TokenUsage = { inputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0, outputTokens: 0 };

/** Sum of two usages, class by class. */
export function addUsage(left: TokenUsage, right: TokenUsage): TokenUsage {
  return {
    inputTokens: left.inputTokens + right.inputTokens,
    cacheWriteTokens: left.cacheWriteTokens + right.cacheWriteTokens,
    cacheReadTokens: left.cacheReadTokens + right.cacheReadTokens,
    outputTokens: left.outputTokens + right.outputTokens,
  };
}

/** Tokens of a call's prompt, cached or not. */
export function promptTokensOf(usage: TokenUsage): number {
  return usage.inputTokens + usage.cacheWriteTokens + usage.cacheReadTokens;
}

/** Cost of one model call in integer micro-dollars: the four classes summed first, then rounded up once. */
export function callCostMicroUsd(usage: TokenUsage, price: ModelPrice): number {
  const prices =
    price.longPrompt && promptTokensOf(usage) > price.longPrompt.thresholdTokens ? price.longPrompt.prices : price;
  const total =
    usage.inputTokens * prices.inputMicroUsdPerMillion +
    usage.cacheWriteTokens * prices.cacheWriteMicroUsdPerMillion +
    usage.cacheReadTokens * prices.cacheReadMicroUsdPerMillion +
    usage.outputTokens * prices.outputMicroUsdPerMillion;
  return Math.ceil(total / 1_000_000);
}

function mostAt(prices: TokenPrices, promptTokens: number, outputTokens: number): number {
  const { inputMicroUsdPerMillion, cacheWriteMicroUsdPerMillion, cacheReadMicroUsdPerMillion } = prices;
  const dearest = Math.max(inputMicroUsdPerMillion, cacheWriteMicroUsdPerMillion, cacheReadMicroUsdPerMillion);
  return Math.ceil((promptTokens * dearest + outputTokens * prices.outputMicroUsdPerMillion) / 1_000_000);
}

/**
 * The most that a call can cost, in integer micro-dollars, whatever the provider's cache does: every prompt token in its
 * dearest class, and every price step that a prompt of at most `promptTokens` can fall into.
 */
export function mostCallCostMicroUsd(
  most: { readonly promptTokens: number; readonly outputTokens: number },
  price: ModelPrice,
): number {
  const { promptTokens, outputTokens } = most;
  const base = mostAt(price, promptTokens, outputTokens);
  if (price.longPrompt === undefined || promptTokens <= price.longPrompt.thresholdTokens) return base;
  return Math.max(base, mostAt(price.longPrompt.prices, promptTokens, outputTokens));
}
