import "./dashboard.css";
import { useQuery } from "@tanstack/react-query";
import { Brush } from "lucide-react";
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { face, inOrder } from "../assistants";
import { channel } from "../live/channel";
import { feed } from "../live/feed";
import { ask } from "../net/http";
import { queries, useStatus } from "../net/queries";
import type { About, Minute, ServerEvent } from "../net/types";
import { bytes, count, lasting, time, when } from "../ui/time";
import { tell, trying } from "../ui/toast";
import { Chart } from "./Chart";
import { duration, points, REASONS } from "./series";
import { Sessions } from "./Sessions";

interface Memory {
  redis?: {
    connected: boolean;
    activeSessions?: number;
    usedMemoryBytes?: number;
    maxMemoryBytes?: number;
    bytesPerSession?: number;
  };
  inMemory?: { activeSessions: number; bytes: number; maxBytes: number };
  bound: { maxBytesPerSession?: number; localMaxBytes?: number };
  cleanup: { lastRun: string | null; nextRun: string | null; intervalMs: number; runs: number; ended: Record<string, number> };
}

interface Insights {
  assistants: Record<string, { activeSessions: number; activeConversations: number }>;
  insights: Record<
    string,
    {
      topIntents?: Record<string, number>;
      topTopics?: { word: string; count: number }[];
      cache?: { hits: number; misses: number };
    }
  >;
}

const LIVE = ["series", "memory", "insights", "live-sessions", "status"];

export default function Dashboard({ about }: { about: About }) {
  const [minutes, setMinutes] = useState(60);
  const [only, setOnly] = useState("");
  const open = useSyncExternalStore(feed.subscribe, feed.open);
  const every = open ? 15_000 : 5_000;
  const series = useQuery({
    queryKey: ["series", minutes, only],
    queryFn: () => ask<{ series: Minute[] }>(`/system/series?minutes=${minutes}${only ? `&assistant=${only}` : ""}`),
    refetchInterval: every,
  });
  const memory = useQuery({ queryKey: ["memory"], queryFn: () => ask<Memory>("/system/memory"), refetchInterval: every });
  const insights = useQuery({
    queryKey: ["insights"],
    queryFn: () => ask<Insights>("/system/insights"),
    refetchInterval: every,
  });
  const status = useStatus();
  const recent = useRecent();
  useEffect(() => {
    document.title = "Dashboard · Parley";
  }, []);

  const step = minutes > 60 ? 10 : 1;
  const found = useMemo(() => points(series.data?.series ?? [], step), [series.data, step]);
  const reasons = useMemo(
    () =>
      Object.entries(found.ended).map(([reason, values]) => ({
        label: REASONS[reason]?.label ?? reason,
        colour: REASONS[reason]?.colour ?? "c6",
        values,
        kind: "bars" as const,
      })),
    [found],
  );
  const turnLines = useMemo(
    () => [
      { label: "errors", colour: "c6", values: found.errors, kind: "bars" as const },
      { label: "turns", colour: "c1", values: found.turns, kind: "bars" as const },
    ],
    [found],
  );
  const times = useMemo(
    () => [
      { label: "half of them within", colour: "c2", values: found.p50, kind: "line" as const },
      { label: "95 % within", colour: "c1", values: found.p95, kind: "line" as const },
    ],
    [found],
  );
  const started = useMemo(() => [{ label: "sessions", colour: "c4", values: found.started, kind: "bars" as const }], [found]);
  const total = (values: number[]): number => values.reduce((sum, value) => sum + value, 0);
  const names = inOrder(about.assistants).map((each) => each.name);
  const active = names.map((name) => ({ name, number: insights.data?.assistants[name]?.activeSessions ?? 0 }));
  const cache = Object.values(insights.data?.insights ?? {}).find((each) => each.cache)?.cache;
  const period = minutes === 60 ? "in the last hour" : "in the last 24 hours";
  const unit = step === 1 ? "a minute" : "in ten minutes";

  return (
    <div className="page dashboard">
      <header className="page-head">
        <h1>Dashboard</h1>
        <span className={open ? "feed live" : "feed"} role="status">
          <i aria-hidden /> {open ? "Live" : "Asked every few seconds"}
        </span>
        <select aria-label="Assistant" value={only} onChange={(event) => setOnly(event.target.value)}>
          <option value="">All assistants</option>
          {names.map((name) => (
            <option key={name} value={name}>
              {face(name).title}
            </option>
          ))}
        </select>
        <div className="chips" role="group" aria-label="Period">
          {[60, 1440].map((each) => (
            <button key={each} className="filter" aria-pressed={minutes === each} onClick={() => setMinutes(each)}>
              {each === 60 ? "60 minutes" : "24 hours"}
            </button>
          ))}
        </div>
      </header>

      <section className="tiles" aria-label="At the moment">
        <StoreTile status={status.data} failed={status.isError} />
        <MemoryTile memory={memory.data} />
        <Tile label="Active sessions" value={count.format(total(active.map((each) => each.number)))}>
          {status.data?.turns && `${status.data.turns.running} of at most ${status.data.turns.limit} turns running`}
        </Tile>
        <Tile label={`Turns ${period}`} value={count.format(total(found.turns))}>
          {`${count.format(total(found.errors))} failed`}
        </Tile>
        <Tile label="Answers from the cache" value={cache && cache.hits + cache.misses ? `${Math.round((100 * cache.hits) / (cache.hits + cache.misses))} %` : "–"}>
          {cache && cache.hits + cache.misses ? `${cache.hits} of ${cache.hits + cache.misses} shopping questions` : "no shopping questions yet"}
        </Tile>
        <CleanupTile cleanup={memory.data?.cleanup} />
      </section>

      <section className="charts" aria-label="Over time">
        <Chart
          title="Turns"
          unit={unit}
          times={found.times}
          lines={turnLines}
          stacked
          summary={`${total(found.turns)} turns and ${total(found.errors)} errors ${period}.`}
        />
        <Chart
          title="Time to answer"
          unit={step === 1 ? "whole turns, by minute" : "whole turns; the highest 95 % of each ten minutes"}
          times={found.times}
          lines={times}
          format={duration}
          summary={`The highest 95 % value is ${duration(Math.max(0, ...found.p95.map((value) => value ?? 0)))}.`}
        />
        <Chart
          title="Sessions begun"
          unit={unit}
          times={found.times}
          lines={started}
          summary={`${total(found.started)} sessions ${period}.`}
        />
        <Chart
          title="Sessions ended"
          unit={`${unit}, by reason`}
          times={found.times}
          lines={reasons}
          stacked
          summary={reasons.length ? reasons.map((each) => `${each.label}: ${total(each.values)}`).join(", ") : "None ended."}
        />
      </section>

      <section className="panels">
        <div className="panel">
          <h2>Active sessions by assistant</h2>
          <Bars rows={active.map(({ name, number }) => ({ label: face(name).title, number, assistant: name }))} />
        </div>
        <div className="panel">
          <h2>What people want</h2>
          <Bars
            none="No JunkJet session is active."
            rows={Object.entries(insights.data?.insights["junkjet"]?.topIntents ?? {}).map(([label, number]) => ({
              label: label.replaceAll("_", " "),
              number,
              assistant: "junkjet",
            }))}
          />
        </div>
        <div className="panel">
          <h2>What shoppers talk about</h2>
          <Bars
            none="No shopping session is active."
            rows={(insights.data?.insights["shopping"]?.topTopics ?? []).slice(0, 6).map(({ word, count: number }) => ({
              label: word,
              number,
              assistant: "shopping",
            }))}
          />
        </div>
        <div className="panel">
          <h2>Just now</h2>
          {recent.length === 0 && <p className="quiet small">Nothing has happened since this page was opened.</p>}
          <ul className="recent">
            {recent.map((event, index) => (
              <li key={`${event.at} ${index}`} data-assistant={event.assistant}>
                <time>{time(Date.parse(event.at))}</time>
                <i className="dot" aria-hidden />
                <span>{inWords(event)}</span>
              </li>
            ))}
          </ul>
        </div>
      </section>

      <Sessions names={names} every={every} />
    </div>
  );
}

function Tile({ label, value, children, tone }: { label: string; value: string; children?: React.ReactNode; tone?: "good" | "bad" }) {
  return (
    <div className="tile" data-tone={tone}>
      <h2>{label}</h2>
      <p className="tile-value">{value}</p>
      <div className="tile-note">{children}</div>
    </div>
  );
}

const DETAILS: Record<string, string> = {
  unsynced: "turns to be written back",
  shadowBytes: "kept in this server",
  journalTurns: "turns in the journal",
  journalBytes: "size of the journal",
  journalError: "the journal fails",
  journalsUnreadable: "journals that can’t be read",
};

const STATES: Record<string, string> = { closed: "serving", open: "away", reconcile: "catching up" };

function StoreTile({ status, failed }: { status: ReturnType<typeof useStatus>["data"]; failed: boolean }) {
  if (failed) return <Tile label="Server" value="does not answer" tone="bad" />;
  const store = status?.store;
  if (!store) return <Tile label="Store" value="…" />;
  const { backend, state, since, ...detail } = store;
  const away = state !== "closed" || status.status === "degraded";
  const facts = Object.keys(DETAILS).flatMap((name) => {
    const value = detail[name];
    const always = name !== "journalError" && name !== "journalsUnreadable";
    return (typeof value === "number" && (always || value > 0)) || typeof value === "string" ? [[name, value] as const] : [];
  });
  const caughtUp = detail["lastReconcile"] as { at: number | string; turnsReplayed: number } | null | undefined;
  return (
    <Tile label={backend === "memory" ? "In memory" : "Redis"} value={STATES[state] ?? state} tone={away ? "bad" : "good"}>
      {Date.parse(since) > 0 && `since ${when(Date.parse(since))}`}
      {facts.length > 0 && (
        <dl>
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{DETAILS[name]}</dt>
              <dd>{typeof value === "string" ? value : /Bytes$/.test(name) ? bytes(value) : count.format(value)}</dd>
            </div>
          ))}
        </dl>
      )}
      {caughtUp && `Caught up ${when(new Date(caughtUp.at).getTime())}: ${count.format(caughtUp.turnsReplayed)} turns written back`}
    </Tile>
  );
}

function MemoryTile({ memory }: { memory: Memory | undefined }) {
  if (!memory) return <Tile label="Memory" value="…" />;
  const redis = memory.redis?.connected ? memory.redis : null;
  const used = redis?.usedMemoryBytes ?? memory.inMemory?.bytes ?? 0;
  const most = redis ? (redis.maxMemoryBytes ?? 0) : (memory.inMemory?.maxBytes ?? 0);
  return (
    <Tile label={redis ? "Memory of Redis" : "Memory of this server"} value={bytes(used)}>
      {most > 0 ? (
        <>
          <meter min={0} max={most} value={used} aria-label="Share of the memory that is used" /> of at most {bytes(most)}
        </>
      ) : (
        "Redis has no limit set (maxmemory)"
      )}
      <br />
      {redis?.bytesPerSession ? `${bytes(redis.bytesPerSession)} a session, ` : "a session takes "}
      {memory.bound.maxBytesPerSession ? `${bytes(memory.bound.maxBytesPerSession)} at most` : ""}
    </Tile>
  );
}

function CleanupTile({ cleanup }: { cleanup: Memory["cleanup"] | undefined }) {
  const [busy, setBusy] = useState(false);
  if (!cleanup) return <Tile label="Cleanup" value="…" />;
  const run = async (): Promise<void> => {
    setBusy(true);
    await trying(async () => {
      const { ended } = await ask<{ ended: Record<string, number> }>("/system/cleanup", { body: {} });
      const number = Object.values(ended).reduce((sum, each) => sum + each, 0);
      tell(number ? `Cleaned up: ${number} sessions had ended.` : "Cleaned up: no session had ended.");
      await Promise.all(LIVE.map((name) => queries.invalidateQueries({ queryKey: [name] })));
    });
    setBusy(false);
  };
  return (
    <Tile label="Cleanup" value={cleanup.lastRun ? `ran ${when(Date.parse(cleanup.lastRun))}` : "has not run yet"}>
      {cleanup.nextRun && `next ${when(Date.parse(cleanup.nextRun))}, `}every {lasting(cleanup.intervalMs / 1000)}, {count.format(cleanup.runs)} so far
      <button className="button small" disabled={busy} onClick={() => void run()}>
        <Brush aria-hidden /> Clean up now
      </button>
    </Tile>
  );
}

function Bars({ rows, none }: { rows: { label: string; number: number; assistant: string }[]; none?: string }) {
  const most = Math.max(1, ...rows.map((row) => row.number));
  if (!rows.length) return <p className="quiet small">{none}</p>;
  return (
    <ul className="bars">
      {rows.map((row) => (
        <li key={row.label} data-assistant={row.assistant}>
          <span>{row.label}</span>
          <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden>
            <rect width="100" height="10" rx="2" />
            <rect className="bar" width={(100 * row.number) / most} height="10" rx="2" />
          </svg>
          <b>{count.format(row.number)}</b>
        </li>
      ))}
    </ul>
  );
}

/** The newest events; whatever they change is asked for anew, at most every two seconds. */
function useRecent(): ServerEvent[] {
  const [recent, setRecent] = useState<ServerEvent[]>([]);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = channel.listen((message) => {
      if (message.kind !== "event") return;
      setRecent((before) => [message.event, ...before].slice(0, 7));
      timer ??= setTimeout(() => {
        timer = undefined;
        for (const name of LIVE) void queries.invalidateQueries({ queryKey: [name] });
      }, 1_000);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, []);
  return recent;
}

function inWords(event: ServerEvent): string {
  const title = event.assistant ? face(event.assistant).title : "";
  switch (event.type) {
    case "session_started":
      return `${title}: a session began`;
    case "turn_completed":
      return `${title}: a turn${event.ms === undefined ? "" : `, ${duration(event.ms)}`}`;
    case "session_ended":
      return `${title}: a session ended (${REASONS[event.reason ?? ""]?.label ?? event.reason})`;
    case "store_state":
      return `The store is ${STATES[event.state ?? ""] ?? event.state}`;
    default:
      return String(event.type);
  }
}
