import { expect, test } from "vitest";
import { events } from "../src/net/sse";

function stream(...pieces: (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(typeof piece === "string" ? encoder.encode(piece) : piece);
      controller.close();
    },
  });
}

async function all(body: ReadableStream<Uint8Array>): Promise<string[]> {
  const found: string[] = [];
  for await (const event of events(body)) found.push(`${event.name}:${event.data}`);
  return found;
}

test("events come whole, wherever the network cut them", async () => {
  const text = 'event: token\ndata: {"text":"grüß"}\n\nevent: done\ndata: {}\n\n';
  const bytes = new TextEncoder().encode(text);
  for (let at = 1; at < bytes.length; at++) {
    expect(await all(stream(bytes.slice(0, at), bytes.slice(at)))).toEqual(['token:{"text":"grüß"}', "done:{}"]);
  }
});

test("comments that keep a connection awake are no events", async () => {
  expect(await all(stream(": keep-awake\n\n", "event: token\ndata: 1\n\n", ": keep-awake\n\n"))).toEqual(["token:1"]);
});

test("an event that was cut off is none", async () => {
  expect(await all(stream("event: token\ndata: 1\n\nevent: done\ndata: 2"))).toEqual(["token:1"]);
});
