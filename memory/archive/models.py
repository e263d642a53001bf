"""What the archive hands out. Times are milliseconds since 1970."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from memory.session import Turn

Marks = tuple[tuple[int, int], ...]
"""Ranges of a text as (start, end), in characters, end exclusive, in order and without overlap."""


def parts(text: str, marks: Marks) -> Iterator[tuple[str, bool]]:
    """The text cut at its marks: (piece, whether it is marked)."""
    at = 0
    for start, end in marks:
        if start > at:
            yield text[at:start], False
        yield text[start:end], True
        at = end
    if at < len(text):
        yield text[at:], False


@dataclass(frozen=True, slots=True)
class Snippet:
    """A short piece of a message around the words that were searched for, which ``marks`` point out."""

    text: str
    marks: Marks = ()


@dataclass(frozen=True, slots=True)
class ChatSession:
    """A row of the list of conversations.

    ``message_count`` counts messages, two a turn. Where the list was searched, ``name_marks`` are the ranges of
    ``chat_name`` that were found, and ``snippet`` shows the newest turn that was.
    """

    session_id: str
    owner: str
    chat_name: str
    created_at: int
    last_activity: int
    message_count: int
    tags: tuple[str, ...] = ()
    name_marks: Marks = ()
    snippet: Snippet | None = None


class ChatEntry(NamedTuple):
    """One message as people see it. Timestamps differ within a session, so they can be paged by."""

    sender: Literal["Human", "AI"]
    content: str
    timestamp: int


@dataclass(frozen=True, slots=True)
class ArchivedChat:
    """A whole conversation, as it is exported and imported: its row, and its turns, oldest first."""

    session: ChatSession
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Activity:
    """What was said in one hour or day (UTC) that began at ``start``."""

    start: int
    sessions: int
    messages: int


@dataclass(frozen=True, slots=True)
class ArchiveStats:
    """``recent_sessions`` had a message in the last 24 hours. Hours and days are oldest first, empty ones too."""

    total_sessions: int
    total_messages: int
    recent_sessions: int
    by_hour: tuple[Activity, ...]
    by_day: tuple[Activity, ...]
