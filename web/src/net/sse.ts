import { createParser } from "eventsource-parser";

export interface SseEvent {
  name: string;
  data: string;
}

/** The events of a `text/event-stream` body as they come; comments are left out. A cut connection throws. */
export async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<SseEvent> {
  const found: SseEvent[] = [];
  const parser = createParser({
    onEvent: (event) => found.push({ name: event.event ?? "message", data: event.data }),
  });
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* found.splice(0);
    }
  } finally {
    reader.cancel().catch(() => undefined); // it may be gone already
  }
}
