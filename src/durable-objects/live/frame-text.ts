import type { LiveFrame } from "../../contracts/live-frames.ts";
import type { PlatformFrame } from "../../contracts/platform-events.ts";

/** A frame as it is sent. */
export interface FrameText {
  readonly text: string;
  readonly bytes: number;
}

const encoder = new TextEncoder();

export function measured(text: string): FrameText {
  return { text, bytes: encoder.encode(text).byteLength };
}

export function frameText(frame: LiveFrame | PlatformFrame): FrameText {
  return measured(JSON.stringify(frame));
}
