// One conversation as it is shown: its turns, its session, and what is on its way. Independent of React.

import { ApiError, Unreachable, ask } from "../net/http";
import type { AssistantInfo, EndedInfo, HistoryEntry, SessionInfo, TurnData } from "../net/types";
import { uuid } from "../ids";
import { channel, type Shared } from "../live/channel";
import { likelyReason, retold, type Known } from "./meter";
import { BEAT, find, keep, orphan, settle } from "./pending";
import { note } from "./registry";
import { runTurn, type Progress } from "./turn";

export interface TurnView {
  id: string;
  message: string;
  response: string;
  at: number;
  state: "sending" | "streaming" | "done" | "stopped" | "failed";
  /** Sent by this tab, now: only such a turn is announced to a screen reader. */
  mine: boolean;
  sessionId?: string;
  tool?: string;
  waiting?: { until: number; why: "connection" | "busy" | "limited" };
  error?: { code: string; message: string };
  data?: TurnData;
  degraded?: boolean;
  partial?: boolean;
  /** From sending to the first word, and to the last (ms). */
  firstWord?: number;
}

export interface State {
  loaded: boolean;
  loadError: string | null;
  turns: TurnView[];
  known: Known | null;
  ended: { reason: string; sessionId: string } | null;
  /** Whether the archive has messages from before those that are shown. */
  more: boolean;
}

const PAGE = 100;
const SHARE_EVERY = 120;

export class Conversation {
  private state: State = { loaded: false, loadError: null, turns: [], known: null, ended: null, more: false };
  private readonly listeners = new Set<() => void>();
  private shared = 0;
  private running = false;
  private loading: Promise<void> | null = null;
  private words: { id: string; text: string } | null = null;

  constructor(
    readonly assistant: AssistantInfo,
    readonly id: string,
  ) {
    channel.listen((message) => this.heard(message));
  }

  // --- for React --------------------------------------------------------------------------------------------------

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): State => this.state;

  get busy(): boolean {
    return this.state.turns.some((turn) => turn.state === "sending" || turn.state === "streaming");
  }

  // --- what a person does -----------------------------------------------------------------------------------------

  send(message: string): void {
    if (this.busy) return;
    const turn: TurnView = { id: uuid(), message, response: "", at: Date.now(), state: "sending", mine: true };
    this.set({ turns: [...this.state.turns, turn], ended: null });
    void this.run(turn);
  }

  /** Sends what failed once more, with its key: if it had arrived after all, its reply comes back. */
  again(id: string): void {
    const turn = this.state.turns.find((each) => each.id === id);
    if (!turn || turn.state !== "failed" || this.busy) return;
    const { error: _, ...rest } = turn;
    const fresh: TurnView = { ...rest, state: "sending", response: "", mine: true };
    this.set({ turns: [...this.state.turns.filter((each) => each.id !== id), fresh] });
    void this.run(fresh);
  }

  /** Takes a message that failed back out, to be edited. */
  takeBack(id: string): void {
    settle(this.assistant.name, this.id);
    this.set({ turns: this.state.turns.filter((turn) => turn.id !== id || turn.state !== "failed") });
  }

  async stop(): Promise<void> {
    await ask("/chat/stop", { body: { assistant: this.assistant.name, ...this.subject } });
  }

  /** Ends the session. What was said stays on the screen, and is forgotten by the assistant. */
  async end(): Promise<void> {
    await ask(this.path("/end"), { body: {} });
    await this.check();
  }

  /** A new session from here on: the screen is cleared as well. */
  clear(): void {
    this.set({ turns: [], known: null, ended: null, more: false });
    this.share();
  }

  /** After the end of a session: the next message begins another one. */
  goOn(): void {
    this.set({ ended: null, known: null });
  }

  // --- what the server has ----------------------------------------------------------------------------------------

  load(): Promise<void> {
    this.loading ??= this.fetch().finally(() => (this.loading = null));
    return this.loading;
  }

  private async fetch(): Promise<void> {
    try {
      const [found] = await Promise.all([this.history(), this.check()]);
      this.merge(found.turns);
      this.set({ loaded: true, loadError: null, more: found.more });
    } catch (error) {
      this.set({ loadError: (error as Error).message });
    }
    this.resume();
  }

  /** Looks whether the session still lives, and if not, why it ended. Looking extends nothing. */
  async check(): Promise<void> {
    const at = Date.now();
    const found = await ask<{ sessions: SessionInfo[]; endedSessions: EndedInfo[] }>(this.path(""));
    const live = found.sessions[0];
    if (live) {
      this.set({ known: { session: live, at }, ended: null });
      return;
    }
    const before = this.state.known;
    const shown = this.state.turns.findLast((turn) => turn.sessionId)?.sessionId ?? before?.session.sessionId;
    const record = found.endedSessions.find((each) => each.sessionId === shown);
    if (shown && !this.busy) {
      const reason = record?.endReason ?? (before ? likelyReason(before, this.assistant.policy) : "inactivity");
      this.set({ known: null, ended: { reason, sessionId: shown } });
    } else if (!this.busy) {
      this.set({ known: null });
    }
  }

  /** The messages before the oldest one that is shown. */
  async earlier(): Promise<void> {
    const oldest = this.state.turns[0];
    if (!oldest || !this.state.more) return;
    const found = await this.archived(new Date(oldest.at).toISOString());
    if (found) this.set({ turns: [...found.turns, ...this.state.turns], more: found.more });
  }

  private async history(): Promise<{ turns: TurnView[]; more: boolean }> {
    if (this.assistant.policy.archive) {
      const found = await this.archived();
      if (found) return found;
    }
    const found = await ask<{ history: HistoryEntry[] }>(this.path(`/history`, `&limit=${PAGE}`));
    return { turns: found.history.map(asTurn), more: false };
  }

  private async archived(before?: string): Promise<{ turns: TurnView[]; more: boolean } | null> {
    try {
      const found = await ask<{ history: { sender: string; content: string; timestamp: string }[] }>(
        "/api/get_history/",
        { body: { session_id: this.id, limit: PAGE, ...(before ? { before } : {}) } },
      );
      return { turns: paired(found.history), more: found.history.length >= PAGE };
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  }

  /** What the server has takes the place of what was shown; what it has not (on its way, or of a session that is over
   * and forgotten) stays. */
  private merge(found: TurnView[]): void {
    const kept = this.state.turns.filter((turn) => !found.some((each) => same(each, turn)));
    const ids = new Map(this.state.turns.map((turn) => [turn, found.find((each) => same(each, turn))]));
    const settled = found.map((turn) => {
      const known = this.state.turns.find((each) => ids.get(each) === turn);
      // The key stays, so that nothing is drawn anew.
      return known ? { ...known, ...turn, id: known.id, data: turn.data ?? known.data ?? {}, state: turn.state } : turn;
    });
    const turns = [...settled, ...kept].sort((a, b) => a.at - b.at);
    const open = (turn: TurnView): boolean => turn.state === "sending" || turn.state === "streaming";
    this.set({ turns: [...turns.filter((turn) => !open(turn)), ...turns.filter(open)] });
  }

  /** Takes up a message that was on its way when a page was left. */
  private resume(): void {
    const left = orphan(this.assistant.name, this.id);
    if (!left || this.busy) {
      if (find(this.assistant.name, this.id) && !this.running) setTimeout(() => this.resume(), 3 * BEAT);
      return;
    }
    const turn: TurnView = {
      id: left.key,
      message: left.message,
      response: "",
      at: Date.now(),
      state: "sending",
      mine: true,
    };
    const others = this.state.turns.filter((each) => each.id !== left.key);
    // If its reply was stored meanwhile, it is the last one there.
    const last = others.at(-1);
    if (last && last.message === left.message && last.state === "done") others.pop();
    this.set({ turns: [...others, turn] });
    void this.run(turn);
  }

  // --- a turn on its way ------------------------------------------------------------------------------------------

  private async run(turn: TurnView): Promise<void> {
    const { name } = this.assistant;
    const begun = performance.now();
    this.running = true;
    const beat = setInterval(() => keep(name, this.id, turn.id, turn.message), BEAT);
    keep(name, this.id, turn.id, turn.message);
    note(name, this.id, turn.message, this.state.known?.session.conversationCount ?? 0);
    this.share();
    try {
      const reply = await runTurn(
        { assistant: name, subject: this.subject, message: turn.message, key: turn.id },
        (progress) => this.progress(turn.id, progress, begun),
      );
      this.words = null;
      settle(name, this.id);
      const shown = this.state.turns.find((each) => each.id === turn.id);
      this.patch(turn.id, {
        firstWord: shown?.firstWord ?? performance.now() - begun,
        state: reply.interrupted ? "stopped" : "done",
        response: reply.response,
        sessionId: reply.sessionId,
        degraded: reply.degraded,
        partial: reply.history === "partial",
        ...(reply.data ? { data: reply.data } : {}),
      });
      const opened = reply.session.conversationCount === 1 && this.assistant.policy.carryOver;
      this.set({
        known: { session: retold(this.state.known, reply.session), at: Date.now() },
        ended:
          reply.session.status === "ended"
            ? { reason: reply.session.endReason ?? "manual", sessionId: reply.sessionId }
            : null,
      });
      note(name, this.id, turn.message, reply.session.conversationCount);
      this.share();
      if (opened && reply.session.status === "active") void this.check().catch(() => undefined);
    } catch (error) {
      this.words = null;
      this.failed(turn.id, error as Error);
    } finally {
      this.running = false;
      clearInterval(beat);
    }
  }

  private failed(id: string, error: Error): void {
    const code = error instanceof ApiError ? error.code : error instanceof Unreachable ? "unreachable" : "unknown";
    settle(this.assistant.name, this.id);
    if (code === "turn_stopped") this.patch(id, { state: "stopped", response: "" });
    else this.patch(id, { state: "failed", error: { code, message: error.message } });
    this.share();
    if (code === "session_ended") void this.check().catch(() => undefined);
  }

  private progress(id: string, progress: Progress, begun: number): void {
    switch (progress.kind) {
      case "session":
        this.set({ known: { session: retold(this.state.known, progress.session), at: Date.now() } });
        this.patch(id, { sessionId: progress.session.sessionId });
        break;
      case "token":
        this.hear(id, progress.text, begun);
        break;
      case "tool":
        this.patch(id, progress.status === "started" ? { tool: progress.name } : {}, progress.status !== "started");
        break;
      case "restart":
        this.words = null;
        this.patch(id, { state: "sending", response: "" });
        break;
      case "waiting":
        this.patch(id, { waiting: { until: Date.now() + progress.seconds * 1000, why: progress.why } });
        break;
    }
    this.share(true);
  }

  /** Words are shown once a frame, however many tokens they came in. */
  private hear(id: string, text: string, begun: number): void {
    if (this.words?.id === id) {
      this.words.text += text;
      return;
    }
    const turn = this.state.turns.find((each) => each.id === id);
    const words = { id, text: (turn?.response ?? "") + text };
    this.words = words;
    const show = (): void => {
      if (this.words !== words) return;
      this.words = null;
      const firstWord = turn?.firstWord ?? performance.now() - begun;
      this.patch(id, { state: "streaming", response: words.text, firstWord }, true);
      this.share(true);
    };
    // A long reply takes long to draw, so it is drawn less often.
    if (document.hidden || words.text.length > 10_000) setTimeout(show, Math.min(1_000, words.text.length / 100));
    else requestAnimationFrame(show);
  }

  // --- other tabs -------------------------------------------------------------------------------------------------

  private share(often = false): void {
    const now = Date.now();
    if (often && now - this.shared < SHARE_EVERY) return;
    this.shared = now;
    const { turns, known, ended } = this.state;
    const last = turns.at(-1);
    channel.say({
      kind: "conversation",
      assistant: this.assistant.name,
      id: this.id,
      turn: last ? { ...last, mine: false } : null,
      known,
      ended,
    });
  }

  private heard(message: Shared): void {
    if (message.kind === "event") {
      this.happened(message.event.type, message.event.sessionId ?? "");
      return;
    }
    if (message.kind !== "conversation" || message.assistant !== this.assistant.name || message.id !== this.id) return;
    if (!this.state.loaded) return;
    const { turn, known, ended } = message;
    if (!turn) {
      this.set({ turns: [], known, ended, more: false });
      return;
    }
    if (this.state.turns.some((each) => each.id === turn.id && each.mine && this.running)) return; // we know better
    const others = this.state.turns.filter((each) => each.id !== turn.id);
    this.set({ turns: [...others, turn], known, ended });
    if (turn.state === "sending" || turn.state === "streaming") setTimeout(() => this.resume(), 3 * BEAT);
  }

  /** Something happened on the server: if it was to this conversation, and not by us, it is looked at. */
  private happened(type: string, sessionId: string): void {
    if (!this.state.loaded || this.running || !sessionId.startsWith(`session:${this.id}:`)) return;
    if (type === "turn_completed") {
      // Another tab of this browser has told already; what it told is what there is.
      setTimeout(() => !this.busy && void this.load(), 400);
    } else if (type === "session_ended") {
      void this.check().catch(() => undefined);
    }
  }

  // --- small things -----------------------------------------------------------------------------------------------

  private get subject(): { userId?: string; sessionId?: string } {
    return this.assistant.subject === "user" ? { userId: this.id } : { sessionId: this.id };
  }

  private path(rest: string, query = ""): string {
    return `/sessions/${encodeURIComponent(this.id)}${rest}?assistant=${this.assistant.name}${query}`;
  }

  private patch(id: string, change: Partial<TurnView>, moving = false): void {
    this.set({
      turns: this.state.turns.map((turn) => {
        if (turn.id !== id) return turn;
        const { waiting: _w, tool: _t, ...rest } = turn;
        return moving || change.state ? { ...rest, ...change } : { ...turn, ...change };
      }),
    });
  }

  private set(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    this.listeners.forEach((listener) => listener());
  }
}

function asTurn(entry: HistoryEntry): TurnView {
  return {
    id: `at:${entry.timestamp}`,
    message: entry.message,
    response: entry.response,
    at: Date.parse(entry.timestamp),
    state: entry.interrupted ? "stopped" : "done",
    mine: false,
    sessionId: entry.sessionId,
    ...(entry.data ? { data: entry.data } : {}),
  };
}

/** Messages of the archive, two a turn. */
export function paired(entries: { sender: string; content: string; timestamp: string }[]): TurnView[] {
  const turns: TurnView[] = [];
  for (const entry of entries) {
    const last = turns.at(-1);
    if (entry.sender === "Human" || !last || last.response) {
      const human = entry.sender === "Human";
      turns.push({
        id: `at:${entry.timestamp}`,
        message: human ? entry.content : "",
        response: human ? "" : entry.content,
        at: Date.parse(entry.timestamp),
        state: "done",
        mine: false,
      });
    } else {
      last.response = entry.content;
    }
  }
  return turns;
}

/** Whether a turn of the server is the one that is shown. Its time is the server's, so the words have to tell. */
function same(told: TurnView, shown: TurnView): boolean {
  if (told.id === shown.id) return true;
  const settled = shown.state === "done" || shown.state === "stopped";
  return settled && !shown.id.startsWith("at:") && told.message === shown.message && told.response === shown.response;
}

const open = new Map<string, Conversation>();

/** The conversation with this id; the same object each time. */
export function conversation(assistant: AssistantInfo, id: string): Conversation {
  const name = `${assistant.name} ${id}`;
  let found = open.get(name);
  if (!found) open.set(name, (found = new Conversation(assistant, id)));
  return found;
}
