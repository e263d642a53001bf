import { Archive } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { Policy } from "../net/types";
import { meter, timeLeft, type Known } from "./meter";

/** How much of the session is left: quiet, until it is worth a word. */
export function SessionMeter({ known, policy, onOver }: { known: Known | null; policy: Policy; onOver: () => void }) {
  const now = useNow(known !== null);
  const shown = known && meter(known, policy, now);
  const over = shown?.level === "over";
  const told = useRef(onOver);
  told.current = onOver;
  const running = known?.session.status === "active";
  useEffect(() => {
    if (!over || !running) return;
    told.current();
    const again = setInterval(() => told.current(), 5_000); // clocks differ: until the server says so, too
    return () => clearInterval(again);
  }, [over, running]);

  if (policy.archive)
    return (
      <p className="meter" title="All of this conversation is kept in the archive. The assistant has its newest part in mind.">
        <Archive aria-hidden />
        <span className="meter-text">{shown ? `${shown.turnsUsed} in mind` : "Kept"}</span>
      </p>
    );
  if (!shown) return null;
  const turns = shown.turnsLeft === null ? null : `${shown.turnsLeft} ${shown.turnsLeft === 1 ? "message" : "messages"}`;
  const parts = [turns, timeLeft(shown.secondsLeft)].filter(Boolean).join(" · ");
  const what =
    shown.cause === "duration" ? "then the session ends" : "then it ends, unless something is said: that winds it up again";
  const warning =
    shown.level === "now" || shown.level === "soon"
      ? `This session ends soon: ${shown.turnsLeft !== null && shown.turnsLeft <= 3 ? `${turns} left` : `${timeLeft(shown.secondsLeft)} left`}.`
      : "";
  return (
    <div
      className="meter"
      data-level={shown.level}
      data-few={(shown.turnsLeft !== null && shown.turnsLeft <= 3) || undefined}
      title={`${parts} left; ${what}.`}>
      <svg viewBox="0 0 36 36" className="ring" aria-hidden>
        <circle cx="18" cy="18" r="15" pathLength="100" />
        <circle cx="18" cy="18" r="15" pathLength="100" className="ring-left" strokeDasharray={`${shown.left * 100} 100`} />
      </svg>
      <span className="meter-text">{over ? (
          "Over"
        ) : (
          <>
            {turns && <span className="meter-turns">{turns}</span>}
            {turns && <span className="meter-dot"> · </span>}
            <span className="meter-time">{timeLeft(shown.secondsLeft)}</span> left
          </>
        )}</span>
      <span className="hidden" role="status">
        {warning && (shown.turnsLeft !== null && shown.turnsLeft <= 3 ? warning : "This session ends soon.")}
      </span>
    </div>
  );
}

function useNow(running: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!running) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [running]);
  return now;
}
