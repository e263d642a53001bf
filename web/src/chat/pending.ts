// The message that is on its way, kept where a reload finds it: it is then sent again with the same key.

import { uuid } from "../ids";

export interface Pending {
  key: string;
  message: string;
  /** The tab that sends it, and when (ms) that last said so. */
  tab: string;
  beat: number;
}

const STALE = 5_000;
export const BEAT = 2_000;

export const TAB = tabId();

function tabId(): string {
  const known = sessionStorage.getItem("parley.tab");
  if (known) return known;
  const made = uuid();
  sessionStorage.setItem("parley.tab", made);
  return made;
}

const name = (assistant: string, id: string): string => `parley.pending.${assistant}.${id}`;

export function keep(assistant: string, id: string, key: string, message: string): void {
  try {
    const pending: Pending = { key, message, tab: TAB, beat: Date.now() };
    localStorage.setItem(name(assistant, id), JSON.stringify(pending));
  } catch {
    // Without room for it a reload can't take it up again; the turn itself is none the worse.
  }
}

export function settle(assistant: string, id: string): void {
  localStorage.removeItem(name(assistant, id));
}

/** The message that nobody sends any more, or null: this tab's own from before a reload, or that of a tab that is gone. */
export function orphan(assistant: string, id: string, now = Date.now()): Pending | null {
  const pending = find(assistant, id);
  return pending && (pending.tab === TAB || now - pending.beat > STALE) ? pending : null;
}

export function find(assistant: string, id: string): Pending | null {
  try {
    const pending = JSON.parse(localStorage.getItem(name(assistant, id)) ?? "null") as Pending | null;
    return pending && pending.key && pending.message ? pending : null;
  } catch {
    return null;
  }
}
