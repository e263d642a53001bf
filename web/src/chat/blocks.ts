// Markdown cut into pieces that can be drawn one by one, so that a long reply is not parsed anew with every token.

/** Joined, the pieces are the text again. No piece ends inside a fenced block or between the items of a list. */
export function blocks(text: string): string[] {
  const pieces: string[] = [];
  let start = 0;
  let at = 0;
  let fence = "";
  let blank = false;
  for (const line of lines(text)) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence) {
      if (mark && mark[0] === fence[0] && mark.length >= fence.length && !line.slice(line.indexOf(mark) + mark.length).trim())
        fence = "";
    } else {
      // A new piece begins after a blank line with a line that can't go on with what came before it.
      if (blank && line.trim() && !/^(\s|[-*+]\s|\d+[.)]\s|\||>)/.test(line)) {
        pieces.push(text.slice(start, at));
        start = at;
      }
      if (mark) fence = mark;
    }
    blank = !fence && !line.trim();
    at += line.length;
  }
  if (start < text.length) pieces.push(text.slice(start));
  return pieces;
}

function* lines(text: string): Generator<string> {
  let start = 0;
  while (start < text.length) {
    const end = text.indexOf("\n", start);
    const next = end < 0 ? text.length : end + 1;
    yield text.slice(start, next);
    start = next;
  }
}
