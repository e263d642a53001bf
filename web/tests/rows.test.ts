// @vitest-environment jsdom
import { expect, test } from "vitest";
import { asMarkdown } from "../src/conversations/actions";
import { marksOf } from "../src/conversations/rows";
import { paired } from "../src/chat/conversation";
import { layers, points } from "../src/dashboard/series";

test("hits are marked whatever their case, and overlapping ones once", () => {
  expect(marksOf("Weather in London", "LONDON we")).toEqual([
    [0, 2],
    [11, 17],
  ]);
  expect(marksOf("aaaa", "aa aaa")).toEqual([[0, 4]]);
  expect(marksOf("nothing", "")).toEqual([]);
});

test("messages of the archive become turns", () => {
  const at = "2026-11-20T10:00:00.000Z";
  const turns = paired([
    { sender: "AI", content: "of a turn before the page", timestamp: at },
    { sender: "Human", content: "one", timestamp: at },
    { sender: "AI", content: "two", timestamp: at },
    { sender: "Human", content: "three", timestamp: at },
  ]);
  expect(turns.map((turn) => [turn.message, turn.response])).toEqual([
    ["", "of a turn before the page"],
    ["one", "two"],
    ["three", ""],
  ]);
});

test("a conversation as Markdown has every word", () => {
  const text = asMarkdown({ name: "A\nname", assistant: "news" }, [
    { timestamp: "2026-11-20T10:00:00.000Z", message: "What?", response: "**That.**", sessionId: "s" },
  ]);
  expect(text).toBe("# A name\n\n## You · 2026-11-20T10:00:00.000Z\n\nWhat?\n\n## news\n\n**That.**\n");
});

test("minutes add up to steps", () => {
  const minute = (turns: number, p95: number | null) => ({
    minute: "2026-11-20T10:00:00.000Z",
    turns,
    sessionsStarted: 1,
    sessionsEnded: turns ? { inactivity: turns } : ({} as Record<string, number>),
    errors: 0,
    p50: p95,
    p95,
  });
  const found = points([minute(1, 10), minute(2, 30), minute(0, null), minute(4, null)], 2);
  expect(found.turns).toEqual([3, 4]);
  expect(found.started).toEqual([2, 2]);
  expect(found.ended["inactivity"]).toEqual([3, 4]);
  expect(found.p95).toEqual([30, null]);
});

test("stacked bars stand on each other", () => {
  const line = (values: number[]) => ({ label: "", colour: "", values, kind: "bars" as const });
  expect(layers([1, 2], [line([1, 1]), line([2, 3])], true)).toEqual([
    [1, 2],
    [3, 4],
    [2, 3],
  ]);
});
