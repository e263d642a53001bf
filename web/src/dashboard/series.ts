// The server's minutes as a chart wants them. Pure.

import type { Minute } from "../net/types";

export interface Points {
  times: number[];
  turns: number[];
  errors: number[];
  started: number[];
  ended: Record<string, number[]>;
  p50: (number | null)[];
  p95: (number | null)[];
}

/** Minutes put together in steps of `step`. Times to answer: the middle one of the p50s, the highest of the p95s. */
export function points(minutes: Minute[], step: number): Points {
  const reasons = [...new Set(minutes.flatMap((minute) => Object.keys(minute.sessionsEnded)))].sort();
  const found: Points = {
    times: [],
    turns: [],
    errors: [],
    started: [],
    ended: Object.fromEntries(reasons.map((reason) => [reason, []])),
    p50: [],
    p95: [],
  };
  for (let at = 0; at < minutes.length; at += step) {
    const group = minutes.slice(at, at + step);
    const sum = (of: (minute: Minute) => number): number => group.reduce((total, minute) => total + of(minute), 0);
    const known = (of: (minute: Minute) => number | null): number[] =>
      group.map(of).filter((value): value is number => value !== null);
    found.times.push(Date.parse(group[0]!.minute) / 1000);
    found.turns.push(sum((minute) => minute.turns));
    found.errors.push(sum((minute) => minute.errors));
    found.started.push(sum((minute) => minute.sessionsStarted));
    for (const reason of reasons) found.ended[reason]!.push(sum((minute) => minute.sessionsEnded[reason] ?? 0));
    const middle = known((minute) => minute.p50).sort((a, b) => a - b);
    const highest = known((minute) => minute.p95);
    found.p50.push(middle.length ? middle[Math.floor(middle.length / 2)]! : null);
    found.p95.push(highest.length ? Math.max(...highest) : null);
  }
  return found;
}

export const REASONS: Record<string, { label: string; colour: string }> = {
  inactivity: { label: "silence", colour: "c2" },
  duration: { label: "time up", colour: "c3" },
  conversation_limit: { label: "all messages used", colour: "c1" },
  manual: { label: "by hand", colour: "c4" },
  shutdown: { label: "server stopped", colour: "c5" },
  evicted: { label: "no room", colour: "c6" },
};

/** `12 ms`, `1.4 s`. */
export function duration(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

export interface Line {
  label: string;
  /** Name of a colour of `tokens.css` or `dashboard.css`. */
  colour: string;
  values: (number | null)[];
  kind: "bars" | "line";
}

/** What uPlot draws. Stacked bars are drawn from the highest sum down, each over the one before it. */
export function layers(times: number[], lines: Line[], stacked: boolean): [number[], ...(number | null)[][]] {
  if (!stacked) return [times, ...lines.map((line) => line.values)];
  const sums = new Array<number>(times.length).fill(0);
  const drawn = lines.toReversed().map((line) => line.values.map((value, index) => (sums[index]! += value ?? 0)));
  return [times, ...drawn.toReversed()];
}
