// The list of conversations: those of this browser, and a page at a time those of the archive.

import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { remembered, subscribe } from "../chat/registry";
import { ApiError, ask } from "../net/http";
import type { About, ChatRow, Marks } from "../net/types";

export interface Row {
  key: string;
  assistant: string;
  id: string;
  name: string;
  nameMarks: Marks;
  snippet: { text: string; marks: Marks } | null;
  created: number;
  lastActivity: number;
  messages: number;
  tags: string[];
  archived: boolean;
}

export interface Filter {
  q: string;
  assistant: string;
  tag: string;
}

export const PAGE = 100;

/** Ranges of `text` that hold a word of `q`, whatever its case. */
export function marksOf(text: string, q: string): Marks {
  const found: Marks = [];
  const lower = text.toLocaleLowerCase();
  if (lower.length !== text.length) return found; // letters that change their length would move the marks
  for (const word of q.toLocaleLowerCase().split(/\s+/).filter(Boolean))
    for (let at = lower.indexOf(word); at >= 0; at = lower.indexOf(word, at + word.length))
      found.push([at, at + word.length]);
  found.sort((a, b) => a[0] - b[0]);
  const merged: Marks = [];
  for (const [start, end] of found) {
    const last = merged.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}

/** The conversations of assistants without an archive that this browser began. */
export function useLocalRows(about: About, filter: Filter): Row[] {
  const list = useSyncExternalStore(subscribe, remembered);
  return useMemo(() => {
    const words = filter.q.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const kept = new Set(about.assistants.filter((each) => !each.policy.archive).map((each) => each.name));
    return list
      .filter(
        (each) =>
          kept.has(each.assistant) &&
          (!filter.assistant || each.assistant === filter.assistant) &&
          (!filter.tag || each.tags?.includes(filter.tag)) &&
          words.every((word) => each.name.toLocaleLowerCase().includes(word)),
      )
      .map((each) => ({
        key: `${each.assistant} ${each.id}`,
        assistant: each.assistant,
        id: each.id,
        name: each.name,
        nameMarks: marksOf(each.name, filter.q),
        snippet: null,
        created: each.created,
        lastActivity: each.lastActivity,
        messages: each.turns * 2,
        tags: each.tags ?? [],
        archived: false,
      }));
  }, [about, list, filter.q, filter.assistant, filter.tag]);
}

interface NamesPage {
  sessions: ChatRow[];
  total: number;
}

function page(filter: Filter, number: number) {
  const query = new URLSearchParams({ limit: String(PAGE), offset: String(number * PAGE) });
  if (filter.q.trim()) query.set("q", filter.q.trim());
  if (filter.tag) query.set("tag", filter.tag);
  return {
    queryKey: ["names", query.toString()],
    queryFn: async (): Promise<NamesPage | null> => {
      try {
        return await ask<NamesPage>(`/api/session_names/?${query}`);
      } catch (error) {
        if (error instanceof ApiError && [403, 404].includes(error.status)) return null; // no archive here, or not for us
        throw error;
      }
    },
    staleTime: 15_000,
  };
}

/** The archive's rows of some pages; `at(index)` is undefined while its page is on its way. */
export function useArchive(archive: string | undefined, filter: Filter, pages: number[]) {
  const wanted = archive !== undefined && (!filter.assistant || filter.assistant === archive);
  const first = useQuery({ ...page(filter, 0), enabled: wanted, placeholderData: keepPreviousData });
  const rest = useQueries({
    queries: pages.filter((number) => number > 0).map((number) => ({ ...page(filter, number), enabled: wanted })),
  });
  const byPage = new Map<number, ChatRow[]>([[0, first.data?.sessions ?? []]]);
  pages
    .filter((number) => number > 0)
    .forEach((number, index) => byPage.set(number, rest[index]?.data?.sessions ?? []));
  return {
    total: wanted ? (first.data?.total ?? 0) : 0,
    loading: wanted && first.isLoading,
    error: wanted ? first.error : null,
    at: (index: number): Row | undefined => {
      const row = byPage.get(Math.floor(index / PAGE))?.[index % PAGE];
      return row && archive ? asRow(row, archive, filter.q) : undefined;
    },
  };
}

/** The tags that the archive's conversations have, most used first. */
export function useTags(wanted: boolean): string[] {
  const { data } = useQuery({
    queryKey: ["names", "tags"],
    enabled: wanted,
    queryFn: () => ask<{ tags: { tag: string }[] }>("/api/tags/"),
    retry: false,
  });
  return useMemo(() => (data?.tags ?? []).map((each) => each.tag), [data]);
}

function asRow(row: ChatRow, assistant: string, q: string): Row {
  const snippet = typeof row.snippet === "string" ? { text: row.snippet } : row.snippet;
  return {
    key: `${assistant} ${row.session_id}`,
    assistant,
    id: row.session_id,
    name: row.chat_name,
    nameMarks: row.name_marks ?? marksOf(row.chat_name, q),
    snippet: snippet ? { text: snippet.text, marks: snippet.marks ?? marksOf(snippet.text, q) } : null,
    created: Date.parse(row.created_at),
    lastActivity: Date.parse(row.last_activity),
    messages: row.message_count,
    tags: row.tags ?? [],
    archived: true,
  };
}

/** The value as it was a moment ago, so that not every key stroke is a question. */
export function useSettled<T>(value: T, ms = 250): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}
