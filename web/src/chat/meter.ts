// The session as a person sees it: what is left of it, and whether that is worth a word. Pure.

import type { Policy, SessionInfo } from "../net/types";

export type Level = "calm" | "soon" | "now" | "over";

export interface Meter {
  level: Level;
  /** Share of the session that is left, 0 to 1: of its time or of its turns, whichever is less. */
  left: number;
  turnsUsed: number;
  turnsLeft: number | null;
  secondsLeft: number;
  /** What ends it first if nothing more is said. */
  cause: "duration" | "inactivity";
}

/** A session as it was told, with when (ms of this machine's clock) it was. */
export interface Known {
  session: SessionInfo;
  at: number;
}

/** The session as a reply tells it, with what was told before of earlier talk: replies leave that out. */
export function retold(before: Known | null, session: SessionInfo): SessionInfo {
  return before?.session.sessionId === session.sessionId ? { ...before.session, ...session } : session;
}

export function meter(known: Known, policy: Policy, now: number): Meter {
  const { session } = known;
  const secondsLeft = Math.max(0, session.remainingSeconds - Math.max(0, now - known.at) / 1000);
  const whole = Date.parse(session.expiresAt) - Date.parse(session.startTime);
  // Told by the server's own times, so that a wrong clock here changes nothing.
  const byDuration = policy.duration !== null && Math.abs(whole / 1000 - policy.duration) < 1;
  const span = byDuration ? policy.duration! : (policy.inactivity ?? policy.duration ?? 1);
  const turnsLeft = session.remainingConversations;
  const turnShare = turnsLeft === null || !policy.maxTurns ? 1 : turnsLeft / policy.maxTurns;
  const over = session.status === "ended" || secondsLeft <= 0 || turnsLeft === 0;
  const soonAt = Math.min(120, Math.max(15, span / 5));
  return {
    level: over
      ? "over"
      : secondsLeft <= soonAt / 4 || turnsLeft === 1
        ? "now"
        : secondsLeft <= soonAt || (turnsLeft !== null && turnsLeft <= 3)
          ? "soon"
          : "calm",
    left: over ? 0 : Math.max(0, Math.min(1, secondsLeft / span, turnShare)),
    turnsUsed: session.conversationCount,
    turnsLeft,
    secondsLeft,
    cause: byDuration ? "duration" : "inactivity",
  };
}

/** `45 s`, `4:07`, `2 h 05 min`, `23 h`: shorter where it matters less. */
export function timeLeft(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  if (whole >= 36_000) return `${Math.round(whole / 3600)} h`;
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return minutes === 0 ? `${hours} h` : `${hours} h ${String(minutes).padStart(2, "0")} min`;
}

/** `15 minutes`, `1 hour`, `90 seconds`. */
export function span(seconds: number): string {
  const [number, unit] =
    seconds % 3600 === 0 ? [seconds / 3600, "hour"] : seconds % 60 === 0 ? [seconds / 60, "minute"] : [seconds, "second"];
  return `${number} ${unit}${number === 1 ? "" : "s"}`;
}

/** Why a session is over, in a sentence. */
export function whyEnded(reason: string, policy: Policy): string {
  switch (reason) {
    case "duration":
      return `It had lasted ${policy.duration ? span(policy.duration) : "as long as it may"}, which is as long as a session goes.`;
    case "inactivity":
      return `Nothing was said for ${policy.inactivity ? span(policy.inactivity) : "a while"}.`;
    case "conversation_limit":
      return `All ${policy.maxTurns ?? ""} messages of the session were used.`.replace("  ", " ");
    case "manual":
      return "It was ended by hand.";
    case "shutdown":
      return "The server was stopped, and it keeps sessions in memory only.";
    case "evicted":
      return "The server ran out of room and had to let it go.";
    default:
      return `It was ended: ${reason}.`;
  }
}

/** What ended a session that was live at `known` and is not any more, where the server can't tell. */
export function likelyReason(known: Known, policy: Policy): string {
  if (known.session.remainingConversations === 0) return "conversation_limit";
  return meter(known, policy, known.at).cause;
}
