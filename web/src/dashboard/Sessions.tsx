import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { face } from "../assistants";
import { timeLeft } from "../chat/meter";
import { ask } from "../net/http";
import { queries } from "../net/queries";
import type { SessionInfo } from "../net/types";
import { Confirm } from "../ui/Confirm";
import { count, lasting, when } from "../ui/time";
import { tell } from "../ui/toast";

interface Live extends SessionInfo {
  assistant: string;
  subject: string;
  duration: number;
}

const PAGE = 20;

/** Every live session, with a button to end it. */
export function Sessions({ names, every }: { names: string[]; every: number }) {
  const [only, setOnly] = useState("");
  const [page, setPage] = useState(0);
  const [ending, setEnding] = useState<Live | null>(null);
  const { data } = useQuery({
    queryKey: ["live-sessions", only, page],
    queryFn: () =>
      ask<{ sessions: Live[]; total: number }>(
        `/system/sessions?limit=${PAGE}&offset=${page * PAGE}${only ? `&assistant=${only}` : ""}`,
      ),
    refetchInterval: every,
    placeholderData: keepPreviousData,
  });
  const total = data?.total ?? 0;
  const last = Math.max(0, Math.ceil(total / PAGE) - 1);
  return (
    <section className="panel sessions" aria-label="Active sessions">
      <header className="page-head">
        <h2>Active sessions</h2>
        <select
          aria-label="Sessions of"
          value={only}
          onChange={(event) => {
            setOnly(event.target.value);
            setPage(0);
          }}
        >
          <option value="">All assistants</option>
          {names.map((name) => (
            <option key={name} value={name}>
              {face(name).title}
            </option>
          ))}
        </select>
      </header>
      <div className="table-scroll" tabIndex={0} role="region" aria-label="Table of active sessions">
        <table>
          <thead>
            <tr>
              <th scope="col">Assistant</th>
              <th scope="col">Whose</th>
              <th scope="col">Begun</th>
              <th scope="col">Open for</th>
              <th scope="col" className="number">Turns</th>
              <th scope="col" className="number">Ends in</th>
              <th scope="col">
                <span className="hidden">End</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {data?.sessions.map((session) => (
              <tr key={session.sessionId + session.assistant} data-assistant={session.assistant}>
                <td>
                  <i className="dot" aria-hidden /> {face(session.assistant).title}
                </td>
                <td className="subject" title={session.subject}>
                  {session.subject}
                </td>
                <td>{when(Date.parse(session.startTime))}</td>
                <td>{lasting(session.duration / 1000)}</td>
                <td className="number">{count.format(session.conversationCount)}</td>
                <td className="number">{timeLeft(session.remainingSeconds)}</td>
                <td className="number">
                  <button className="button small" aria-label={`End the session of ${session.subject}`} onClick={() => setEnding(session)}>
                    End
                  </button>
                </td>
              </tr>
            ))}
            {data && total === 0 && (
              <tr>
                <td colSpan={7} className="quiet">
                  No session is active.
                </td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
      {last > 0 && (
        <p className="pager">
          <button className="button small" disabled={page === 0} onClick={() => setPage(page - 1)}>
            Newer
          </button>
          <span className="quiet">
            {count.format(page * PAGE + 1)}–{count.format(Math.min(total, (page + 1) * PAGE))} of {count.format(total)}
          </span>
          <button className="button small" disabled={page >= last} onClick={() => setPage(page + 1)}>
            Older
          </button>
        </p>
      )}
      {ending && (
        <Confirm
          title="End this session?"
          action="End it"
          onClose={() => setEnding(null)}
          onConfirm={async () => {
            await ask(`/sessions/${encodeURIComponent(ending.subject)}/end?assistant=${ending.assistant}`, { body: {} });
            await queries.invalidateQueries({ queryKey: ["live-sessions"] });
            tell("The session was ended.");
          }}
        >
          <p>
            {face(ending.assistant).title} forgets what {ending.subject} has said in it. The next message begins a new one.
          </p>
        </Confirm>
      )}
    </section>
  );
}
