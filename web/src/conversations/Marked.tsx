import type { Marks } from "../net/types";

/** A text with the hits of a search marked. Marks count characters, not UTF-16 units. */
export function Marked({ text, marks }: { text: string; marks: Marks }) {
  if (!marks.length) return <>{text}</>;
  const letters = Array.from(text);
  const parts = [];
  let at = 0;
  for (const [start, end] of marks) {
    if (start > at) parts.push(<span key={at}>{letters.slice(at, start).join("")}</span>);
    parts.push(<mark key={`m${start}`}>{letters.slice(start, end).join("")}</mark>);
    at = end;
  }
  parts.push(<span key={at}>{letters.slice(at).join("")}</span>);
  return <>{parts}</>;
}
