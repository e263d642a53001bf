import "uplot/dist/uPlot.min.css";
import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import { layers, type Line } from "./series";

interface Props {
  title: string;
  /** What the numbers are, as it stands behind them: `turns`, `ms`. */
  unit: string;
  times: number[];
  lines: Line[];
  /** Bars stand on each other. */
  stacked?: boolean;
  format?: (value: number) => string;
  summary: string;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const HEIGHT = 190;

/** A chart over time: from zero, with units, and what is under the pointer in words. */
export function Chart({ title, unit, times, lines, stacked, format = plainly, summary }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const [at, setAt] = useState<number | null>(null);
  const [theme, setTheme] = useState(0);
  const shape = `${lines.map((line) => line.label + line.colour).join()} ${theme} ${stacked}`;
  const latest = useRef({ times, lines, format });
  latest.current = { times, lines, format };

  useEffect(() => {
    const change = (): void => setTheme((number) => number + 1);
    const system = matchMedia("(prefers-color-scheme: dark)");
    document.addEventListener("themechange", change);
    system.addEventListener("change", change);
    return () => {
      document.removeEventListener("themechange", change);
      system.removeEventListener("change", change);
    };
  }, []);

  useEffect(() => {
    const style = getComputedStyle(box.current!);
    const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
    const axis = {
      stroke: colour("ink-3"),
      grid: { stroke: colour("line"), width: 1 },
      ticks: { stroke: colour("line"), width: 1 },
      font: `12px ${style.fontFamily}`,
    };
    const drawn = new uPlot(
      {
        width: box.current!.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
        scales: { y: { range: (_, __, max) => [0, top(max)] } },
        axes: [
          { ...axis, values: (_, ticks) => ticks.map((tick) => clock.format(tick * 1000)), space: 64 },
          { ...axis, values: (_, ticks) => ticks.map((tick) => latest.current.format(tick)), size: 58, incrs: STEPS },
        ],
        series: [
          {},
          ...latest.current.lines.map((line): uPlot.Series => {
            const ink = colour(line.colour);
            return line.kind === "bars"
              ? { label: line.label, fill: ink, width: 0, points: { show: false }, paths: uPlot.paths.bars!({ size: [0.7, 22] }) }
              : { label: line.label, stroke: ink, width: 2.2, points: { show: true, size: 4, fill: ink }, spanGaps: false };
          }),
        ],
        hooks: { setCursor: [(plot) => setAt(plot.cursor.idx ?? null)] },
      },
      layers(latest.current.times, latest.current.lines, !!stacked),
      box.current!,
    );
    chart.current = drawn;
    const watcher = new ResizeObserver(() => drawn.setSize({ width: box.current!.clientWidth, height: HEIGHT }));
    watcher.observe(box.current!);
    return () => {
      watcher.disconnect();
      drawn.destroy();
      chart.current = null;
    };
  }, [shape, stacked]);

  useEffect(() => chart.current?.setData(layers(times, lines, !!stacked)), [times, lines, stacked]);

  const shown = at !== null && at < times.length ? at : null;
  return (
    <figure className="chart">
      <figcaption>
        <h2>
          {title} <small>{unit}</small>
        </h2>
        <p className="legend">
          <b>{shown === null ? "" : clock.format(times[shown]! * 1000)}</b>
          {lines.map((line) => (
            <span key={line.label}>
              <i className={`ink ${line.colour}`} />
              {line.label}
              {shown !== null && <b> {line.values[shown] == null ? "–" : format(line.values[shown]!)}</b>}
            </span>
          ))}
        </p>
      </figcaption>
      <div ref={box} className="chart-box" role="img" aria-label={`${title}. ${summary}`} />
    </figure>
  );
}

const STEPS = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000];

const plainly = (value: number): string => String(value);

/** A little air above the highest value, and never a scale without height. */
function top(max: number | null): number {
  return max && max > 0 ? Math.max(4, max * 1.12) : 4;
}
