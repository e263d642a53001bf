"""What is kept of turns that are not shown any more: a few words. Pure functions.

A *running summary* is a text of its session and the id of the newest turn in it. When a session ends, the summary and
the turns that are not in it yet become its *carry-over*, which opens the next session of the subject.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from memory.codec import encode_turn
from memory.policy import SessionPolicy
from memory.session import CARRIED, SUMMARY, Session, Turn

SUMMARY_BYTES: Final = 1_200
"""Bytes (UTF-8) of a running summary at most."""

CARRY_OVER_BYTES: Final = 600
"""Bytes (UTF-8) that a session leaves for the next one at most."""

_ASKED: Final = 90
_SAID: Final = 110
"""Bytes that a line gives to the message and to the reply."""

_LINE: Final = "- "
_SENTENCE_END: Final = re.compile(r"[.!?…](?=\s)|[。！？]")
_INSIDE: Final = re.compile(r"\s+")


class Summary(Protocol):
    """Makes one text of an earlier one (empty: there is none) and the turns since, oldest first.

    At most ``limit`` bytes of UTF-8; what is longer is cut. Called while a turn is stored, so it must be quick.
    """

    def __call__(self, previous: str, turns: Sequence[Turn], limit: int, /) -> str: ...


def cut(text: str, limit: int) -> str:
    """The text in at most ``limit`` bytes of UTF-8: whole sentences where they fill half of it, else whole words,
    else whole characters."""
    raw = text.encode(errors="replace")
    if len(raw) <= limit:
        return raw.decode()
    kept = raw[:limit].decode(errors="ignore")
    ends = [found.end() for found in _SENTENCE_END.finditer(kept)]
    if ends and 2 * len(kept[: ends[-1]].encode()) >= limit:
        return kept[: ends[-1]]
    kept = raw[: max(0, limit - len("…".encode()))].decode(errors="ignore")
    words = kept.rpartition(" ")[0]
    return (words if 2 * len(words) >= len(kept) else kept).rstrip() + "…" if kept else ""


def one_line(text: str) -> str:
    return _INSIDE.sub(" ", text).strip()


def joined(previous: str, lines: Sequence[str], limit: int) -> str:
    """``previous`` with new lines behind it. Where that is too long, the oldest lines go first; what ``previous`` has
    besides lines (a text that a model made) is shortened to no less than half of it."""
    told = [line for line in previous.splitlines() if line.startswith(_LINE)]
    text = one_line(" ".join(line for line in previous.splitlines() if not line.startswith(_LINE)))
    room = max(limit // 2, limit - _size(text) - 1) if text else limit
    told += [_LINE + cut(one_line(line), room - len(_LINE)) for line in lines]
    while told and sum(_size(line) + 1 for line in told) - 1 > room:
        del told[0]
    if text:
        text = cut(text, limit - sum(_size(line) + 1 for line in told))
    return "\n".join([text, *told] if text else told)


def extract(previous: str, turns: Sequence[Turn], limit: int, /) -> str:
    """The summary of an assistant that knows no better: how each message and its reply begin."""
    return joined(previous, [_line(turn) for turn in turns], limit)


def _line(turn: Turn) -> str:
    return f"“{cut(one_line(turn.message), _ASKED)}” → “{cut(one_line(turn.response), _SAID)}”"


def _size(text: str) -> int:
    return len(text.encode())


# --- a session ------------------------------------------------------------------------------------------------------


def earlier(policy: SessionPolicy, session: Session) -> str:
    """What the model is told of what it is not shown: the summary, which begins with what was carried over, or that."""
    return (session.summary if policy.summarise else "") or session.carried_over


def unsummarised(session: Session, turns: Sequence[Turn]) -> Sequence[Turn]:
    """Those of the turns, oldest first, that came after what the summary has."""
    at = next((at for at, turn in enumerate(turns) if turn.id == session.summarised), -1)
    return turns[at + 1 :]


def summarised(
    session: Session, turns: Sequence[Turn], make: Summary, limit: int, *, oldest: int | None = None
) -> Mapping[str, Any]:
    """The session's attributes with the ``oldest`` (None: all) of the turns in its summary; as they are where all of
    those are in it already. ``turns`` are the newest that are kept, oldest first."""
    new = turns[len(turns) - len(unsummarised(session, turns)) : oldest]
    if not new:
        return session.attributes
    text = cut(make(session.summary or session.carried_over, new, limit), limit)
    return {**session.attributes, SUMMARY: [new[-1].id, text]}


def left_behind(session: Session, turns: Sequence[Turn], make: Summary) -> str:
    """What the session leaves for the next one, ``turns`` being the newest of it, oldest first."""
    previous, new = session.summary or session.carried_over, unsummarised(session, turns)
    text = make(previous, new, CARRY_OVER_BYTES) if new else joined(previous, (), CARRY_OVER_BYTES)
    return cut(text, CARRY_OVER_BYTES)


def without_words(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes without what was made of turns."""
    return {name: value for name, value in attributes.items() if name not in (CARRIED, SUMMARY)}


def not_shown(policy: SessionPolicy, turns: Sequence[Turn], unshown: int = 0, *, stored_bytes: int = 0) -> int:
    """How many of the session's newest turns, oldest first, the model is not shown from now on.

    ``unshown`` of them could not be shown to it just now, and ``stored_bytes`` is what all turns of the session take,
    before the oldest go.
    """
    gone = max(0, len(turns) - policy.window, unshown)
    if stored_bytes > policy.max_bytes:
        sizes = [len(encode_turn(turn)) for turn in turns]
        while gone < len(turns) - 1 and sum(sizes[gone:]) > policy.max_bytes:
            gone += 1
    return gone
