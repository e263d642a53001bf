// One turn, sent until it is known what became of it. Every try carries the same key, so nothing is sent twice.

import { ApiError, Unreachable, request } from "../net/http";
import { events } from "../net/sse";
import type { ErrorBody, Reply, SessionInfo } from "../net/types";

export interface Outgoing {
  assistant: string;
  /** How the subject is named in the body: `userId` or `sessionId`; absent where the server knows the caller. */
  subject: { userId?: string; sessionId?: string };
  message: string;
  key: string;
}

export type Progress =
  | { kind: "session"; session: SessionInfo }
  | { kind: "token"; text: string }
  | { kind: "tool"; name: string; status: string }
  /** A try began anew: what was shown so far is said again from its beginning. */
  | { kind: "restart" }
  /** The next try comes in `seconds`. */
  | { kind: "waiting"; seconds: number; why: "connection" | "busy" | "limited" };

export interface Means {
  request: typeof request;
  /** Resolves after so many seconds, or earlier when it is worth trying again at once. */
  pause: (seconds: number) => Promise<void>;
}

export const TRIES = 10;

/** The stored reply. Throws `ApiError` when the server refused for good, `Unreachable` when every try failed. */
export async function runTurn(
  turn: Outgoing,
  tell: (progress: Progress) => void,
  means: Means = { request, pause },
): Promise<Reply> {
  let failure: Error = new Unreachable();
  for (let number = 0; number < TRIES; number++) {
    if (number > 0) tell({ kind: "restart" });
    try {
      return await once(turn, tell, means);
    } catch (error) {
      const again = worthAnotherTry(error, number);
      if (!again) throw error;
      failure = error as Error;
      if (number === TRIES - 1) break;
      tell({ kind: "waiting", ...again });
      await means.pause(again.seconds);
    }
  }
  throw failure;
}

async function once(turn: Outgoing, tell: (progress: Progress) => void, means: Means): Promise<Reply> {
  const response = await means.request("/chat/stream", {
    body: { message: turn.message, assistant: turn.assistant, messageId: turn.key, ...turn.subject },
  });
  if (!response.body) throw new Unreachable();
  try {
    for await (const event of events(response.body)) {
      const data = JSON.parse(event.data) as unknown;
      if (event.name === "session") tell({ kind: "session", session: data as SessionInfo });
      else if (event.name === "token") tell({ kind: "token", text: (data as { text: string }).text });
      else if (event.name === "tool") tell({ kind: "tool", ...(data as { name: string; status: string }) });
      else if (event.name === "done") return data as Reply;
      else if (event.name === "error") {
        const body = data as ErrorBody;
        throw new ApiError(0, body.code, body.error);
      }
    }
  } catch (error) {
    if (error instanceof ApiError) throw error;
  }
  throw new Unreachable(); // the stream ended before the turn did
}

/** How long to wait, and why; null where another try would only fail again. */
export function worthAnotherTry(
  error: unknown,
  number: number,
): { seconds: number; why: "connection" | "busy" | "limited" } | null {
  const growing = Math.min(8, 0.5 * 2 ** number);
  if (error instanceof Unreachable) return { seconds: growing, why: "connection" };
  if (!(error instanceof ApiError)) return null;
  if (error.code === "session_busy") return { seconds: error.retryAfter ?? growing, why: "busy" };
  if (error.status === 429) return { seconds: Math.min(60, error.retryAfter ?? growing), why: "limited" };
  if (error.status === 503) return { seconds: Math.max(error.retryAfter ?? 0, growing), why: "busy" };
  // A proxy in front of a server that is being restarted says these without our error body.
  if ([502, 504].includes(error.status) && error.code === "unknown") return { seconds: growing, why: "connection" };
  return null;
}

/** Waits, but no longer than until the network is said to be back. */
export function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      removeEventListener("online", finish);
      resolve();
    };
    const timer = setTimeout(finish, seconds * 1000);
    addEventListener("online", finish);
  });
}
