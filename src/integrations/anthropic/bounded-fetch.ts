/** The last layer before the network: sends a request's stored bytes, and takes no more of an answer than a model can mean. */

/** An answer with status 200 that is no event stream: whoever gave it was not the API. */
export class NotAStream extends Error {
  override readonly name = "NotAStream";
}

/** More bytes than an answer of this length can have. */
export class AnswerTooLarge extends Error {
  override readonly name = "AnswerTooLarge";
}

export interface BoundedRequest {
  /** Sent as it is, in place of what the SDK would write. */
  readonly body: string;
  readonly maxAnswerBytes: number;
}

function bounded(stream: NonNullable<Response["body"]>, maxBytes: number): ReadableStream<Uint8Array> {
  let receivedBytes = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, controller) => {
      receivedBytes += chunk.byteLength;
      if (receivedBytes > maxBytes) controller.error(new AnswerTooLarge(`an answer of more than ${maxBytes} bytes`));
      else controller.enqueue(chunk);
    },
  });
  return stream.pipeThrough(counter);
}

/**
 * A `fetch` for one call of the SDK. Throws `NotAStream` for a success that is no event stream; the answer's stream fails
 * with `AnswerTooLarge` beyond the bound, and nothing more is read.
 */
export function boundedFetch({ body, maxAnswerBytes }: BoundedRequest): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, { ...init, body });
    if (!response.ok || response.body === null) return response;
    const contentType = response.headers.get("content-type") ?? "";
    if (!contentType.includes("text/event-stream")) {
      await response.body.cancel();
      throw new NotAStream(`status ${response.status} with ${contentType === "" ? "no content type" : contentType}`);
    }
    return new Response(bounded(response.body, maxAnswerBytes), response);
  };
}
