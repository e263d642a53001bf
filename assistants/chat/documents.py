"""A conversation for people to read: what stands at its head, and the whole of it as Markdown."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from assistants.chat.inert import inert
from memory.archive import ArchivedChat

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
"""The line that opens or closes a block of code in Markdown."""


def to_markdown(chat: ArchivedChat) -> str:
    """The conversation as a Markdown document; what was said stands in it as it was said, but can do nothing there."""
    session = chat.session
    lines = [f"# {inert(_one_line(session.chat_name))}", "", *(f"- {inert(fact)}" for fact in facts(chat)), ""]
    for turn in chat.turns:
        lines += [f"## You · {when(turn.began)}", "", _closed(inert(turn.message)), ""]
        lines += [f"## Assistant · {when(turn.ended)}", "", _closed(inert(turn.response)), ""]
        if turn.interrupted:
            lines += ["*(interrupted)*", ""]
    return "\n".join(lines)


def facts(chat: ArchivedChat) -> list[str]:
    """What stands at the head of a document for people."""
    session = chat.session
    told = [
        f"Started {when(session.created_at)}, last message {when(session.last_activity)}",
        f"{2 * len(chat.turns)} messages",
        f"Session {session.session_id}",
    ]
    return [*told, f"Tags: {', '.join(session.tags)}"] if session.tags else told


def when(ms: int) -> str:
    """A moment for people: ``20 November 2026, 10:30 UTC``."""
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _closed(text: str) -> str:
    """The text with its last code block closed, so that what follows is not part of it."""
    fence = ""
    for found in FENCE.finditer(text):
        mark = found.group(1)
        if not fence:
            fence = mark
        elif mark[0] == fence[0] and len(mark) >= len(fence):
            fence = ""
    return f"{text}\n{fence}" if fence else text
