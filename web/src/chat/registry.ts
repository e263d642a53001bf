// What this browser remembers of conversations: ids and names, never what was said. The words are the server's.

import { uuid } from "../ids";

export interface Remembered {
  assistant: string;
  id: string;
  name: string;
  created: number;
  lastActivity: number;
  turns: number;
  tags?: string[];
}

const LIST = "parley.sessions";
const CURRENT = "parley.current";
const USER = "parley.user";
const MOST = 300;

const listeners = new Set<() => void>();
let cached: { raw: string | null; list: Remembered[] } = { raw: null, list: [] };

addEventListener("storage", (event) => {
  if (event.key === LIST) tell();
});

function tell(): void {
  listeners.forEach((listener) => listener());
}

export function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Newest activity first. The same array as long as nothing changed. */
export function remembered(): Remembered[] {
  const raw = localStorage.getItem(LIST);
  if (raw !== cached.raw) cached = { raw, list: parsed(raw) };
  return cached.list;
}

function parsed(raw: string | null): Remembered[] {
  try {
    const list = JSON.parse(raw ?? "[]") as Remembered[];
    return Array.isArray(list) ? list.filter((each) => each && each.assistant && each.id) : [];
  } catch {
    return []; // somebody else's handiwork
  }
}

function save(list: Remembered[]): void {
  const sorted = [...list].sort((a, b) => b.lastActivity - a.lastActivity).slice(0, MOST);
  write(LIST, JSON.stringify(sorted));
  tell();
}

/** Puts down that something was said. The name is that of the first message and stays. */
export function note(assistant: string, id: string, message: string, turns: number): void {
  const list = remembered();
  const old = list.find((each) => each.assistant === assistant && each.id === id);
  const now = Date.now();
  const entry = old ?? { assistant, id, name: nameOf(message), created: now, lastActivity: now, turns: 0 };
  save([...list.filter((each) => each !== old), { ...entry, lastActivity: now, turns }]);
}

export function edit(assistant: string, id: string, change: Partial<Pick<Remembered, "name" | "tags">>): void {
  save(remembered().map((each) => (each.assistant === assistant && each.id === id ? { ...each, ...change } : each)));
}

export function drop(assistant: string, id: string): void {
  save(remembered().filter((each) => each.assistant !== assistant || each.id !== id));
  if (current(assistant) === id) setCurrent(assistant, null);
}

/** The first 40 characters of a message, on one line: as the archive names its chats. */
export function nameOf(message: string): string {
  return Array.from(message.trim().replace(/\s+/g, " ")).slice(0, 40).join("") || "Untitled";
}

/** The conversation that was last open with an assistant. */
export function current(assistant: string): string | null {
  return currents()[assistant] ?? null;
}

export function setCurrent(assistant: string, id: string | null): void {
  const all = currents();
  if (id === null) delete all[assistant];
  else all[assistant] = id;
  write(CURRENT, JSON.stringify(all));
}

function currents(): Record<string, string> {
  try {
    return (JSON.parse(localStorage.getItem(CURRENT) ?? "{}") as Record<string, string>) ?? {};
  } catch {
    return {};
  }
}

/** As whom this browser is known to the assistants that know users, where nobody has signed in. */
export function guest(): string {
  let id = localStorage.getItem(USER);
  if (!id) {
    id = `guest-${uuid()}`;
    write(USER, id);
  }
  return id;
}

function write(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Full or forbidden: then it is forgotten with the tab.
  }
}
