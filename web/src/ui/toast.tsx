import { useSyncExternalStore } from "react";

interface Told {
  id: number;
  text: string;
  wrong: boolean;
}

let told: Told[] = [];
let number = 0;
const listeners = new Set<() => void>();

function set(next: Told[]): void {
  told = next;
  listeners.forEach((listener) => listener());
}

/** A short note at the edge of the page, read aloud, gone after a while. */
export function tell(text: string, wrong = false): void {
  const id = ++number;
  set([...told.slice(-2), { id, text, wrong }]);
  setTimeout(() => set(told.filter((each) => each.id !== id)), wrong ? 9_000 : 4_000);
}

/** Runs it, and tells what went wrong. */
export async function trying(action: () => Promise<unknown>): Promise<void> {
  try {
    await action();
  } catch (error) {
    tell((error as Error).message, true);
  }
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => told,
  );
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((each) => (
        <p key={each.id} className={each.wrong ? "toast wrong" : "toast"}>
          {each.text}
        </p>
      ))}
    </div>
  );
}
