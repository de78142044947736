/** A tool's refusal in words that the model may read and act on: trusted text only, never another system's message. */
export class ToolError extends Error {
  override readonly name = "ToolError";
}
