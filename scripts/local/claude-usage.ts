/** Token counts that look like the real ones, computed from the request alone: equal requests have equal usage. */
import type { ClaudeRequest } from "./claude-conversation.ts";

export interface PromptUsage {
  readonly input_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
}

const charactersPerToken = 3.5;
/** Shorter prompts are not cached. */
const minCachedTokens = 512;
/** What stands behind the last cache breakpoint. */
const uncachedTokens = 4;

export function tokensOf(characters: number): number {
  return Math.ceil(characters / charactersPerToken);
}

/** The prompt's token classes: the call before wrote everything up to its last message, this one writes the rest. */
export function promptUsage(request: Pick<ClaudeRequest, "prefixCharacters" | "messageCharacters">): PromptUsage {
  const { prefixCharacters, messageCharacters } = request;
  const sum = (lengths: readonly number[]): number => lengths.reduce((total, length) => total + length, 0);
  const total = tokensOf(prefixCharacters + sum(messageCharacters));
  if (total < minCachedTokens) {
    return { input_tokens: total, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
  }
  const earlier = messageCharacters.slice(0, -2);
  const read = earlier.length === 0 ? 0 : tokensOf(prefixCharacters + sum(earlier));
  const cached = read < minCachedTokens ? 0 : read;
  return {
    input_tokens: uncachedTokens,
    cache_creation_input_tokens: total - uncachedTokens - cached,
    cache_read_input_tokens: cached,
  };
}
