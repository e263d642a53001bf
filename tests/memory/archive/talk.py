"""What the tests of the archive share."""

from __future__ import annotations

from collections.abc import Sequence

from memory.archive import Archive
from memory.session import Message, Turn

HOUR = 3_600_000
DAY = 24 * HOUR
NOON = 20_000 * DAY + 12 * HOUR
"""An instant in 2024 (ms)."""


def turn(turn_id: str, asked: str = "Hello", told: str = "Hi there", at: int = NOON, took: int = 7) -> Turn:
    return Turn(turn_id, NOON - HOUR, at, took, (Message("human", asked), Message("ai", told)))


def talk(archive: Archive, session_id: str, said: Sequence[tuple[str, str]], owner: str = "", at: int = NOON) -> None:
    """A conversation of (question, answer), a second apart. Turn ids are ``<session id>-<seconds after noon>``."""
    for place, (asked, told) in enumerate(said):
        began = at + place * 1_000
        archive.record(session_id, owner, turn(f"{session_id}-{(began - NOON) // 1_000}", asked, told, began))


def ids(archive: Archive, **filters: object) -> list[str]:
    """The session ids that ``names`` lists."""
    return [chat.session_id for chat in archive.names(**filters)[0]]  # type: ignore[arg-type]
