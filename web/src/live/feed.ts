// The server's events, for administrators. One tab of a browser listens and tells the others: connections are few.

import { request } from "../net/http";
import { events } from "../net/sse";
import type { ServerEvent } from "../net/types";
import { channel } from "./channel";

let open = false;
const listeners = new Set<() => void>();
channel.listen((message) => {
  if (message.kind !== "feed" || message.open === open) return;
  open = message.open;
  listeners.forEach((listener) => listener());
});

/** Whether events are coming in, for `useSyncExternalStore`. */
export const feed = {
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  open: (): boolean => open,
};

/** Listen until the returned function is called. */
export function startFeed(): () => void {
  const gone = new AbortController();
  const lead = (): Promise<void> => follow(gone.signal);
  if (navigator.locks) {
    navigator.locks.request("parley.feed", { signal: gone.signal }, lead).catch(() => undefined); // aborted
  } else {
    void lead();
  }
  return () => gone.abort();
}

async function follow(signal: AbortSignal): Promise<void> {
  for (let wait = 1; !signal.aborted; wait = Math.min(15, wait * 2)) {
    try {
      const response = await request("/system/events", { signal });
      wait = 1;
      const beat = setInterval(() => channel.say({ kind: "feed", open: true }), 5_000); // for tabs that come later
      channel.sayToAll({ kind: "feed", open: true });
      try {
        for await (const event of events(response.body!))
          channel.sayToAll({ kind: "event", event: JSON.parse(event.data) as ServerEvent });
      } finally {
        clearInterval(beat);
      }
    } catch {
      // Away or not for us; it is tried again.
    }
    channel.sayToAll({ kind: "feed", open: false });
    await new Promise((resolve) => setTimeout(resolve, wait * 1000));
  }
}
