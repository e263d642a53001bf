import { ArrowUp, Square } from "lucide-react";
import { useEffect, useImperativeHandle, useLayoutEffect, useRef, useState, type Ref } from "react";
import { face } from "../assistants";
import type { AssistantInfo } from "../net/types";

export interface ComposerHandle {
  focus: () => void;
  /** Puts a text in, to be edited; a gap in `[brackets]` is selected. */
  fill: (text: string) => void;
}

interface Props {
  ref: Ref<ComposerHandle>;
  assistant: AssistantInfo;
  id: string;
  most: number;
  busy: boolean;
  offline: boolean;
  onSend: (text: string) => void;
  onStop: () => void;
  onEditLast: () => void;
}

export function Composer({ ref, assistant, id, most, busy, offline, onSend, onStop, onEditLast }: Props) {
  const draft = `parley.draft.${assistant.name}.${id}`;
  const [text, setText] = useState(() => sessionStorage.getItem(draft) ?? "");
  const area = useRef<HTMLTextAreaElement>(null);
  const { title, placeholder } = face(assistant.name);
  const long = Array.from(text).length;
  const usable = text.trim() !== "" && long <= most;

  useImperativeHandle(ref, () => ({
    focus: () => area.current?.focus(),
    fill: (filled) => {
      setText(filled);
      requestAnimationFrame(() => {
        const gap = /\[[^\]]*\]/.exec(filled);
        area.current?.focus();
        area.current?.setSelectionRange(gap ? gap.index : filled.length, gap ? gap.index + gap[0].length : filled.length);
      });
    },
  }));

  useEffect(() => {
    if (text) sessionStorage.setItem(draft, text);
    else sessionStorage.removeItem(draft);
  }, [draft, text]);

  useEffect(() => {
    if (matchMedia("(pointer: fine)").matches) area.current?.focus({ preventScroll: true });
  }, []);

  useLayoutEffect(() => {
    const box = area.current!;
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, 220)}px`;
  }, [text]);

  const send = (): void => {
    if (!usable || busy) return;
    onSend(text.trim());
    setText("");
  };

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div className="composer-box">
        <textarea
          ref={area}
          rows={1}
          value={text}
          aria-label={`Message to ${title}`}
          placeholder={placeholder}
          aria-describedby="composer-note"
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.nativeEvent.isComposing) return;
            if (event.key === "Enter" && !event.shiftKey) {
              event.preventDefault();
              send();
            } else if (event.key === "Escape" && busy) {
              event.preventDefault();
              onStop();
            } else if (event.key === "ArrowUp" && !text && !busy) {
              event.preventDefault();
              onEditLast();
            }
          }}
        />
        {busy ? (
          <button type="button" className="send stop" aria-label="Stop" title="Stop (Esc)" onClick={onStop}>
            <Square />
          </button>
        ) : (
          <button className="send" aria-label="Send" title="Send (Enter)" disabled={!usable}>
            <ArrowUp />
          </button>
        )}
      </div>
      <p id="composer-note" className="composer-note">
        {long > most ? (
          <span className="wrong" role="alert">
            {(long - most).toLocaleString("en")} characters too many
          </span>
        ) : long > most * 0.8 ? (
          `${(most - long).toLocaleString("en")} characters left`
        ) : offline ? (
          "The offline model answers: plain rules, no language model."
        ) : (
          "A language model answers, and can be wrong."
        )}
        <span className="keys" aria-hidden>
          <kbd>Enter</kbd> sends · <kbd>Shift</kbd>+<kbd>Enter</kbd> new line · <kbd>↑</kbd> edits the last
        </span>
      </p>
    </form>
  );
}
