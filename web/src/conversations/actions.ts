// What can be done to a conversation: the archive's by its endpoints, the others by theirs and this browser's list.

import { drop, edit } from "../chat/registry";
import { ask, request } from "../net/http";
import { queries } from "../net/queries";
import type { HistoryEntry } from "../net/types";
import type { Row } from "./rows";

const archived = (id: string): string => `/api/sessions/${encodeURIComponent(id)}`;
const live = (row: Row, rest = ""): string =>
  `/sessions/${encodeURIComponent(row.id)}${rest}?assistant=${encodeURIComponent(row.assistant)}`;

export const refresh = (): Promise<void> => queries.invalidateQueries({ queryKey: ["names"] });

export async function rename(row: Row, name: string): Promise<void> {
  if (row.archived) await ask(archived(row.id), { method: "PATCH", body: { chat_name: name } });
  edit(row.assistant, row.id, { name });
  await refresh();
}

export async function setTags(row: Row, tags: string[]): Promise<void> {
  if (row.archived) await ask(archived(row.id), { method: "PATCH", body: { tags } });
  else edit(row.assistant, row.id, { tags });
  await refresh();
}

export async function remove(row: Row): Promise<void> {
  await request(row.archived ? archived(row.id) : live(row), { method: "DELETE" });
  drop(row.assistant, row.id);
  await refresh();
}

export type Format = "json" | "md" | "pdf";

/** Saves a conversation as a file. What has no archive is put together here. */
export async function save(row: Row, format: Format): Promise<void> {
  const name = `${row.name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "conversation"}.${format}`;
  if (row.archived) {
    const response = await request(`${archived(row.id)}/export?format=${format}`);
    download(await response.blob(), name);
    return;
  }
  const { history } = await ask<{ history: HistoryEntry[] }>(`${live(row, "/history")}&limit=100`);
  const text =
    format === "json"
      ? `${JSON.stringify({ assistant: row.assistant, name: row.name, history }, null, 2)}\n`
      : asMarkdown(row, history);
  download(new Blob([text], { type: format === "json" ? "application/json" : "text/markdown" }), name);
}

export function asMarkdown(row: Pick<Row, "name" | "assistant">, history: HistoryEntry[]): string {
  const parts = [`# ${row.name.replace(/\s+/g, " ")}`];
  for (const entry of history) {
    parts.push(`## You · ${entry.timestamp}`, entry.message, `## ${row.assistant}`, entry.response);
  }
  return `${parts.join("\n\n")}\n`;
}

function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Adds an exported conversation to the archive; its id. */
export async function bringIn(file: File): Promise<string> {
  const found = await ask<{ session_id?: string }>("/api/sessions/import", { body: await file.text() });
  await refresh();
  return found.session_id ?? "";
}
