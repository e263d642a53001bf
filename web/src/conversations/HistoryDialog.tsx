import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, ArrowRight, MessageSquare, Trash2 } from "lucide-react";
import { useEffect } from "react";
import { Link } from "wouter";
import { address } from "../Shell";
import { face } from "../assistants";
import { paired, type TurnView } from "../chat/conversation";
import { ask } from "../net/http";
import type { About, HistoryEntry } from "../net/types";
import { Dialog } from "../ui/Dialog";
import { Markdown } from "../ui/Markdown";
import { count, moment } from "../ui/time";
import { Marked } from "./Marked";
import { marksOf, type Row } from "./rows";

interface Props {
  about: About;
  row: Row | undefined;
  index: number;
  total: number;
  q: string;
  onMove: (index: number) => void;
  onClose: () => void;
  onDelete: (row: Row) => void;
}

/** A conversation to read, with the next and the one before at hand (also by the arrow keys). */
export default function HistoryDialog({ about, row, index, total, q, onMove, onClose, onDelete }: Props) {
  const { data, error } = useQuery({
    queryKey: ["history", row?.key],
    enabled: !!row,
    queryFn: () => read(row!),
  });
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.target instanceof HTMLInputElement) return;
      if (event.key === "ArrowRight" && index < total - 1) onMove(index + 1);
      if (event.key === "ArrowLeft" && index > 0) onMove(index - 1);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [index, total, onMove]);
  const title = row ? face(row.assistant).title : "";
  return (
    <Dialog
      wide
      title={row?.name ?? "…"}
      onClose={onClose}
      extra={
        <span className="stepper">
          <button className="icon-button" aria-label="The one before" disabled={index === 0} onClick={() => onMove(index - 1)}>
            <ArrowLeft />
          </button>
          <span className="quiet small">
            {count.format(index + 1)} of {count.format(total)}
          </span>
          <button className="icon-button" aria-label="The next one" disabled={index >= total - 1} onClick={() => onMove(index + 1)}>
            <ArrowRight />
          </button>
        </span>
      }
      footer={
        row && (
          <>
            <button className="button" onClick={() => onDelete(row)}>
              <Trash2 aria-hidden /> Delete
            </button>
            <Link className="button primary" href={address(about, row.assistant, row.id)}>
              <MessageSquare aria-hidden /> Continue
            </Link>
          </>
        )
      }
    >
      {row && (
        <p className="quiet small">
          {title} · begun {moment(row.created)} · last message {moment(row.lastActivity)}
        </p>
      )}
      {error && <p className="wrong">{error.message}</p>}
      {data?.length === 0 && (
        <p className="quiet">
          {row?.archived
            ? "Nothing is kept of this conversation: it was cleared."
            : "Nothing is kept of this conversation any more: its session is over, and what was said went with it."}
        </p>
      )}
      <ol className="turns" data-assistant={row?.assistant}>
        {data?.map((turn) => (
          <li key={turn.id} className="turn">
            <div className="said you">
              <p className="bubble">
                <Marked text={turn.message} marks={marksOf(turn.message, q)} />
              </p>
              <time className="quiet small">{moment(turn.at)}</time>
            </div>
            <div className="said them">
              <Markdown text={turn.response} />
            </div>
          </li>
        ))}
      </ol>
    </Dialog>
  );
}

async function read(row: Row): Promise<TurnView[]> {
  if (row.archived) {
    const found = await ask<{ history: { sender: string; content: string; timestamp: string }[] }>("/api/get_history/", {
      body: { session_id: row.id },
    });
    return paired(found.history);
  }
  const found = await ask<{ history: HistoryEntry[] }>(
    `/sessions/${encodeURIComponent(row.id)}/history?assistant=${row.assistant}&limit=100`,
  );
  return found.history.map((entry) => ({
    id: entry.timestamp,
    message: entry.message,
    response: entry.response,
    at: Date.parse(entry.timestamp),
    state: "done",
    mine: false,
  }));
}
