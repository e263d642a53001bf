import type { SessionInfo } from "../net/types";

/** What the assistant knows of earlier talk, in short: of the session before this one, and of turns it is not shown any
 * more. Opening it asks for the newest. */
export function Earlier({ session, onOpen }: { session: SessionInfo | undefined; onOpen: () => void }) {
  if (!session?.carriedOver && !session?.summary) return null;
  return (
    <details className="earlier-words" onToggle={(event) => event.currentTarget.open && onOpen()}>
      <summary>Remembered from earlier</summary>
      {session.carriedOver && (
        <section>
          <h2>From the session before</h2>
          <p>{session.carriedOver}</p>
        </section>
      )}
      {session.summary && (
        <section>
          <h2>From earlier in this session</h2>
          <p>{session.summary}</p>
        </section>
      )}
    </details>
  );
}
