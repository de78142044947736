/** A tool's refusal in words that the model may read and act on: trusted text only, never another system's message. */
export class ToolError extends Error {
  override readonly name: string = "ToolError";
}

/** A tool's refusal of something that nobody may have it do, however it is asked. */
export class PolicyRefusal extends ToolError {
  override readonly name = "PolicyRefusal";
}
