import { Hourglass } from "lucide-react";
import type { Policy } from "../net/types";
import { whyEnded } from "./meter";

/** The end of a session: why, and one click to go on. */
export function Ended({ reason, policy, onGoOn }: { reason: string; policy: Policy; onGoOn: () => void }) {
  return (
    <div className="ended" role="status">
      <Hourglass aria-hidden />
      <div>
        <p>
          <strong>This session is over.</strong> {whyEnded(reason, policy)}
        </p>
        <p className="quiet">What stands above is still on your screen, but no longer in the assistant’s memory.</p>
      </div>
      <button className="button primary" onClick={onGoOn}>
        Go on in a new session
      </button>
    </div>
  );
}
