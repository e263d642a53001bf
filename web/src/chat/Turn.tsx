import { CircleAlert, LoaderCircle, MapPin, Pencil, RotateCcw, Unplug } from "lucide-react";
import { memo } from "react";
import { face } from "../assistants";
import type { AssistantInfo } from "../net/types";
import { CopyButton, Markdown } from "../ui/Markdown";
import { moment, time } from "../ui/time";
import type { TurnView } from "./conversation";
import { Products } from "./Products";
import { Sources } from "./Sources";

interface Props {
  turn: TurnView;
  assistant: AssistantInfo;
  conversationId: string;
  newSession: boolean;
  last: boolean;
  busy: boolean;
  onRetry: () => void;
  onAskAgain: () => void;
  onEdit: () => void;
}

export const Turn = memo(
  function Turn({ turn, assistant, conversationId, newSession, last, busy, onRetry, onAskAgain, onEdit }: Props) {
    const { title } = face(assistant.name);
    return (
      <li className="turn" data-state={turn.state} data-first-word={turn.firstWord && Math.round(turn.firstWord)}>
        {newSession && (
          <p className="divider">
            <span>New session</span>
          </p>
        )}
        <div className="said you">
          <p className="bubble">
            <span className="hidden">You: </span>
            {turn.message}
          </p>
          <div className="said-foot">
            <time dateTime={new Date(turn.at).toISOString()} title={moment(turn.at)}>
              {time(turn.at)}
            </time>
            {last && !busy && (
              <button className="icon-button" aria-label="Edit and send again" title="Edit and send again" onClick={onEdit}>
                <Pencil />
              </button>
            )}
          </div>
        </div>
        <div className="said them">
          <span className="hidden">{title}: </span>
          {turn.response && <Markdown text={turn.response} />}
          <Now turn={turn} title={title} />
          {turn.state === "stopped" && <p className="quiet small">{turn.response ? "Stopped here." : "Stopped before a word was said."}</p>}
          {turn.state === "failed" && (
            <div className="failed" role="group" aria-label="This message failed">
              <CircleAlert aria-hidden />
              <p>{turn.error?.message}</p>
              <button className="button small" onClick={onRetry} disabled={busy}>
                <RotateCcw aria-hidden /> Try again
              </button>
            </div>
          )}
          {turn.data?.products && turn.data.products.length > 0 && (
            <Products products={turn.data.products} conversationId={conversationId} />
          )}
          {!turn.data?.products?.length && turn.data?.sources && turn.data.sources.length > 0 && <Sources sources={turn.data.sources} />}
          {typeof turn.data?.locationFlag === "string" && (
            <p className="chip">
              <MapPin aria-hidden />
              {turn.data.locationFlag === "home" ? "Searches around your home address" : "Searches around where you are now"}
            </p>
          )}
          {turn.partial && (
            <p className="quiet small">Answered without what was said earlier: the store that has it is away.</p>
          )}
          {(turn.state === "done" || turn.state === "stopped") && turn.response && (
            <div className="said-foot">
              <CopyButton text={() => turn.response} label="Copy the reply" />
              {last && !busy && (
                <button className="icon-button" aria-label="Ask again" title="Ask again" onClick={onAskAgain}>
                  <RotateCcw />
                </button>
              )}
            </div>
          )}
        </div>
      </li>
    );
  },
  (before, after) =>
    before.turn === after.turn &&
    before.last === after.last &&
    before.busy === after.busy &&
    before.newSession === after.newSession,
);

/** What goes on while a reply is awaited. */
function Now({ turn, title }: { turn: TurnView; title: string }) {
  if (turn.state !== "sending" && turn.state !== "streaming") return null;
  if (turn.waiting)
    return (
      <p className="now" role="status">
        <Unplug aria-hidden />
        {{
          connection: "The connection was lost. Trying again; nothing is sent twice…",
          busy: "Another message is still being answered. Waiting for it…",
          limited: "That was quick. The server asks for a short break…",
        }[turn.waiting.why]}
      </p>
    );
  if (turn.tool)
    return (
      <p className="now">
        <LoaderCircle className="spin" aria-hidden />
        {turn.tool.replaceAll("_", " ")}…
      </p>
    );
  if (turn.state === "streaming") return null;
  return (
    <p className="now typing" aria-label={`${title} is thinking`}>
      <i /> <i /> <i />
    </p>
  );
}

/** Markdown as it is read aloud: without its marks. */
export function plain(markdown: string): string {
  return markdown
    .replace(/```[\s\S]*?(```|$)/g, " (code) ")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/[*_`#>|~]+/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}
