/** What the test Worker's queue handler was given, for assertions. */

export interface ReceivedMessage {
  readonly queue: string;
  readonly body: unknown;
}

const received: ReceivedMessage[] = [];

export function recordMessage(message: ReceivedMessage): void {
  received.push(message);
}

export function receivedMessages(): readonly ReceivedMessage[] {
  return received;
}
