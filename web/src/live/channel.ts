// What the tabs of one browser tell each other.

import type { Known } from "../chat/meter";
import type { TurnView } from "../chat/conversation";
import type { ServerEvent } from "../net/types";

export type Shared =
  | {
      kind: "conversation";
      assistant: string;
      id: string;
      /** The newest turn as it is now; null: the conversation was cleared. */
      turn: TurnView | null;
      known: Known | null;
      ended: { reason: string; sessionId: string } | null;
    }
  | { kind: "event"; event: ServerEvent }
  | { kind: "feed"; open: boolean };

type Listener = (message: Shared) => void;

class Channel {
  private readonly listeners = new Set<Listener>();
  private readonly line = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("parley");

  constructor() {
    this.line?.addEventListener("message", (event: MessageEvent<Shared>) => this.tell(event.data));
  }

  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** To the other tabs. */
  say(message: Shared): void {
    this.line?.postMessage(message);
  }

  /** To the other tabs, and to this one. */
  sayToAll(message: Shared): void {
    this.say(message);
    this.tell(message);
  }

  private tell(message: Shared): void {
    this.listeners.forEach((listener) => listener(message));
  }
}

export const channel = new Channel();
