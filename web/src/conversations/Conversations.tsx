import { useQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { Brush, Download, EllipsisVertical, FileUp, MessageSquare, Pencil, Search, Tag, Trash2 } from "lucide-react";
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { address } from "../Shell";
import { face, inOrder } from "../assistants";
import { lasting, when, moment, count as number } from "../ui/time";
import { ask } from "../net/http";
import type { About, EndedInfo, SessionInfo } from "../net/types";
import { Confirm } from "../ui/Confirm";
import { Menu } from "../ui/Menu";
import { tell, trying } from "../ui/toast";
import { bringIn, remove, save } from "./actions";
import { CleanUp } from "./CleanUp";
import { Edit } from "./Edit";
import { Marked } from "./Marked";
import { PAGE, useArchive, useLocalRows, useSettled, useTags, type Filter, type Row } from "./rows";

const HistoryDialog = lazy(() => import("./HistoryDialog"));

type Asked = { kind: "history"; index: number } | { kind: "rename" | "tags" | "delete"; row: Row } | { kind: "clean" };

export default function Conversations({ about }: { about: About }) {
  const [typed, setTyped] = useState("");
  const [assistant, setAssistant] = useState("");
  const [tag, setTag] = useState("");
  const [asked, setAsked] = useState<Asked | null>(null);
  const [pages, setPages] = useState<number[]>([0]);
  const q = useSettled(typed);
  const filter: Filter = useMemo(() => ({ q, assistant, tag }), [q, assistant, tag]);
  const archiveName = about.assistants.find((each) => each.policy.archive)?.name;
  const local = useLocalRows(about, filter);
  const archive = useArchive(archiveName, filter, pages);
  const total = local.length + archive.total;
  const at = useCallback(
    (index: number): Row | undefined => (index < local.length ? local[index] : archive.at(index - local.length)),
    [local, archive],
  );

  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: total,
    getScrollElement: () => box.current,
    estimateSize: () => 76,
    overscan: 8,
    getItemKey: (index) => at(index)?.key ?? index,
  });
  const shown = virtual.getVirtualItems();
  const first = shown[0]?.index ?? 0;
  const last = shown.at(-1)?.index ?? 0;
  const open = asked?.kind === "history" ? asked.index : first;
  useEffect(() => {
    const from = Math.max(0, Math.floor((Math.min(first, open) - local.length) / PAGE));
    const to = Math.max(0, Math.floor((Math.max(last, open + 1) - local.length) / PAGE));
    const wanted = Array.from({ length: Math.min(6, to - from + 1) }, (_, index) => from + index);
    setPages((before) => (before.join() === wanted.join() ? before : wanted));
  }, [first, last, open, local.length]);

  const used = useTags(archiveName !== undefined);
  const tags = [...new Set([...used, ...local.flatMap((row) => row.tags), ...(tag ? [tag] : [])])].sort();

  useEffect(() => {
    document.title = "Conversations · Parley";
  }, []);

  const file = useRef<HTMLInputElement>(null);
  const act = (kind: "rename" | "tags" | "delete", row: Row): void => setAsked({ kind, row });
  const done = useCallback(() => setAsked(null), []);

  return (
    <div className="page conversations">
      <header className="page-head">
        <h1>Conversations</h1>
        {archiveName && (
          <>
            <button className="button" onClick={() => file.current?.click()}>
              <FileUp aria-hidden /> Import
            </button>
            <input
              ref={file}
              type="file"
              accept="application/json,.json"
              className="hidden"
              tabIndex={-1}
              aria-label="An exported conversation"
              onChange={(event) => {
                const chosen = event.target.files?.[0];
                event.target.value = "";
                if (chosen)
                  void trying(async () => {
                    await bringIn(chosen);
                    tell("Imported.");
                  });
              }}
            />
            {about.caller.admin && (
              <button className="button" onClick={() => setAsked({ kind: "clean" })}>
                <Brush aria-hidden /> Clean up
              </button>
            )}
          </>
        )}
      </header>
      <div className="filters" role="search">
        <label className="field">
          <Search aria-hidden />
          <input
            type="search"
            value={typed}
            placeholder="Search in names and messages"
            aria-label="Search in names and messages"
            onChange={(event) => setTyped(event.target.value)}
          />
        </label>
        <div className="chips" role="group" aria-label="Assistant">
          {["", ...inOrder(about.assistants).map((each) => each.name)].map((name) => (
            <button
              key={name}
              className="filter"
              data-assistant={name || undefined}
              aria-pressed={assistant === name}
              onClick={() => setAssistant(name)}
            >
              {name ? face(name).title : "All"}
            </button>
          ))}
        </div>
        {tags.length > 0 && (
          <select value={tag} aria-label="Tag" onChange={(event) => setTag(event.target.value)}>
            <option value="">All tags</option>
            {tags.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        )}
      </div>
      <p className="quiet small" role="status">
        {archive.error
          ? `The archive can’t be read right now: ${archive.error.message}`
          : archive.loading
            ? "Looking…"
            : total === 0
              ? q || assistant || tag
                ? "Nothing matches."
                : "No conversations yet. They appear here as soon as something is said."
              : `${number.format(total)} ${total === 1 ? "conversation" : "conversations"}${
                  local.length && archive.total ? `: ${local.length} in this browser, ${number.format(archive.total)} in the archive` : ""
                }`}
      </p>
      <div ref={box} className="list" tabIndex={0} role="region" aria-label="List of conversations">
        <ul style={{ height: virtual.getTotalSize() }}>
          {shown.map((item) => {
            const row = at(item.index);
            return (
              <li
                key={item.key}
                ref={virtual.measureElement}
                data-index={item.index}
                aria-setsize={total}
                aria-posinset={item.index + 1}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                {row ? (
                  <RowView about={about} row={row} onOpen={() => setAsked({ kind: "history", index: item.index })} onAct={act} />
                ) : (
                  <div className="row loading" aria-label="On its way" />
                )}
              </li>
            );
          })}
        </ul>
      </div>
      {asked?.kind === "history" && (
        <Suspense>
          <HistoryDialog
            about={about}
            row={at(asked.index)}
            index={asked.index}
            total={total}
            q={q}
            onMove={(index) => setAsked({ kind: "history", index })}
            onClose={done}
            onDelete={(row) => act("delete", row)}
          />
        </Suspense>
      )}
      {(asked?.kind === "rename" || asked?.kind === "tags") && <Edit kind={asked.kind} row={asked.row} onClose={done} />}
      {asked?.kind === "delete" && (
        <Confirm
          title="Delete this conversation?"
          action="Delete"
          onClose={done}
          onConfirm={async () => {
            await remove(asked.row);
            tell("Deleted.");
          }}
        >
          <p>
            “{asked.row.name}” and all that was said in it will be gone from memory{asked.row.archived && " and archive"}. This can’t be
            undone.
          </p>
        </Confirm>
      )}
      {asked?.kind === "clean" && <CleanUp onClose={done} />}
    </div>
  );
}

function RowView({
  about,
  row,
  onOpen,
  onAct,
}: {
  about: About;
  row: Row;
  onOpen: () => void;
  onAct: (kind: "rename" | "tags" | "delete", row: Row) => void;
}) {
  const { icon: Icon, title } = face(row.assistant);
  const [, go] = useLocation();
  const to = address(about, row.assistant, row.id);
  return (
    <article className="row" data-assistant={row.assistant}>
      <span className="badge">
        <Icon aria-hidden />
      </span>
      <div className="row-text">
        <button className="row-name" onClick={onOpen}>
          <Marked text={row.name} marks={row.nameMarks} />
        </button>
        {row.snippet && (
          <p className="row-snippet">
            <Marked text={row.snippet.text} marks={row.snippet.marks} />
          </p>
        )}
        <p className="row-facts">
          <span>{title}</span>
          <time dateTime={new Date(row.lastActivity).toISOString()} title={`Begun ${moment(row.created)}`}>
            {when(row.lastActivity)}
          </time>
          {row.messages > 0 && <span>{number.format(row.messages)} messages</span>}
          {row.tags.map((tag) => (
            <span key={tag} className="tag">
              {tag}
            </span>
          ))}
          {!row.archived && <Live row={row} />}
        </p>
      </div>
      <Link className="icon-button" href={to} aria-label={`Continue “${row.name}”`} title="Continue">
        <MessageSquare />
      </Link>
      <Menu
        label={`More for “${row.name}”`}
        trigger={<EllipsisVertical />}
        items={[
          { label: "Continue", icon: MessageSquare, onSelect: () => go(to) },
          { label: "Rename", icon: Pencil, onSelect: () => onAct("rename", row) },
          { label: "Tags", icon: Tag, onSelect: () => onAct("tags", row) },
          { label: "Save as JSON", icon: Download, onSelect: () => void trying(() => save(row, "json")) },
          { label: "Save as Markdown", icon: Download, onSelect: () => void trying(() => save(row, "md")) },
          ...(row.archived
            ? [{ label: "Save as PDF", icon: Download, onSelect: () => void trying(() => save(row, "pdf")) }]
            : []),
          { label: "Delete", icon: Trash2, danger: true, onSelect: () => onAct("delete", row) },
        ]}
      />
    </article>
  );
}

const REASONS: Record<string, string> = {
  conversation_limit: "all messages used",
  duration: "its time was up",
  inactivity: "after silence",
  manual: "by hand",
};

/** Whether a session still lives, and how long. */
function Live({ row }: { row: Row }) {
  const { data } = useQuery({
    queryKey: ["session", row.assistant, row.id],
    queryFn: () =>
      ask<{ sessions: SessionInfo[]; endedSessions: EndedInfo[] }>(
        `/sessions/${encodeURIComponent(row.id)}?assistant=${row.assistant}`,
      ),
    staleTime: 30_000,
  });
  if (!data) return null;
  const live = data.sessions[0];
  if (live) return <span className="state live">live, {lasting(live.remainingSeconds)} left</span>;
  const reason = data.endedSessions[0]?.endReason;
  return <span className="state">ended{reason ? `: ${REASONS[reason] ?? reason}` : ""}</span>;
}
