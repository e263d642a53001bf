"""When a session ends and what it keeps. The only place where these rules stand; everything here is pure.

Durations are seconds (as people set them), instants are milliseconds since 1970 (as stores keep them).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from memory.session import Session, Turn

DURATION: Final = "duration"
INACTIVITY: Final = "inactivity"
CONVERSATION_LIMIT: Final = "conversation_limit"
MANUAL: Final = "manual"
SHUTDOWN: Final = "shutdown"
EVICTED: Final = "evicted"
"""The data of a session was gone before its time, for example by Redis' own eviction."""


@dataclass(frozen=True, slots=True)
class Extension:
    """``seconds`` more of inactivity are allowed once a session has ``after_turns`` turns."""

    after_turns: int
    seconds: float

    def __post_init__(self) -> None:
        for name in ("after_turns", "seconds"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} of an extension must be above 0, got {getattr(self, name)!r}")


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """When a session ends (``duration``, ``inactivity``, ``max_turns``; None: never for this cause) and what it keeps.

    extension     more inactivity for busy sessions
    keep_turns    how many of the newest turns are kept
    max_bytes     how many bytes of turns are kept at most (the oldest go first)
    history_ttl   how long (s) turns outlive the last message, shorter or longer than the session; None: as the session
    shown_turns   how many of the newest turns a model is shown
    archive       every turn is also written to the SQL archive, before the client is told
    durability    ``disk``: acknowledged turns are journaled to this machine's disk; ``memory``: never on disk
    carry_over    a session that ends by itself leaves a few words that open the next one of its subject
    summarise     turns that a model is not shown any more go into a running summary, which it is told of
    """

    duration: float | None = None
    inactivity: float | None = None
    max_turns: int | None = None
    extension: Extension | None = None
    keep_turns: int = 100
    max_bytes: int = 262_144
    history_ttl: float | None = None
    shown_turns: int = 20
    archive: bool = False
    durability: Literal["disk", "memory"] = "disk"
    carry_over: bool = False
    summarise: bool = False

    def __post_init__(self) -> None:
        for name in ("duration", "inactivity", "max_turns", "keep_turns", "max_bytes", "history_ttl", "shown_turns"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} must be above 0, got {value!r}")
        if self.duration is None and self.inactivity is None:
            raise ValueError("a session must end by itself: set duration, inactivity or both")
        if self.extension and self.inactivity is None:
            raise ValueError("an extension is more inactivity: set inactivity too")
        if self.durability not in ("disk", "memory"):
            raise ValueError(f"durability must be disk or memory, got {self.durability!r}")

    @property
    def window(self) -> int:
        """How many of the newest turns a model is shown, as far as they are kept."""
        return min(self.shown_turns, self.keep_turns)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy says of a session at a moment.

    ``ended`` is the reason, or None while it is live. ``at`` (ms) is when it ended, or will if nothing more is said.
    ``remaining_turns`` is None where turns are not limited.
    """

    ended: str | None
    at: int
    remaining_turns: int | None


def ms(seconds: float) -> int:
    """Seconds as whole milliseconds."""
    return round(seconds * 1000)


def verdict(policy: SessionPolicy, session: Session, now: int) -> Verdict:
    """Whether ``session`` is live at ``now``. At the very instant of a deadline it has ended.

    A session that used up its turns ended with its last one. Of two deadlines the earlier counts; when they fall
    together it is ``duration``.
    """
    remaining = None if policy.max_turns is None else max(0, policy.max_turns - session.turns)
    if remaining == 0:
        return Verdict(CONVERSATION_LIMIT, session.last_activity, 0)
    at, reason = min(_deadlines(policy, session), key=lambda deadline: deadline[0])
    return Verdict(reason if now >= at else None, at, remaining)


def _deadlines(policy: SessionPolicy, session: Session) -> list[tuple[int, str]]:
    """Every (instant, reason) at which time alone ends the session; ``duration`` first, so that it wins a tie."""
    deadlines = []
    if policy.duration is not None:
        deadlines.append((session.started + ms(policy.duration), DURATION))
    if policy.inactivity is not None:
        allowed = policy.inactivity
        if policy.extension and session.turns >= policy.extension.after_turns:
            allowed += policy.extension.seconds
        deadlines.append((session.last_activity + ms(allowed), INACTIVITY))
    return deadlines


def history_until(policy: SessionPolicy, last_message: int) -> int | None:
    """Until when (ms) turns are remembered after the last message, or None where they go with the session."""
    return None if policy.history_ttl is None else last_message + ms(policy.history_ttl)


def remembered(policy: SessionPolicy, turns: tuple[Turn, ...], session: Session | None, now: int) -> tuple[Turn, ...]:
    """The turns that may still be shown: all of them, or none once they are forgotten.

    ``session`` is the live session or None. Turns that go with their session are remembered as long as that is live;
    turns with a ``history_ttl`` of their own as long after the last of them.
    """
    if not turns:
        return ()
    until = history_until(policy, turns[-1].ended)
    if until is not None:
        return turns if now < until else ()
    return tuple(t for t in turns if session is not None and t.session_started == session.started)


def is_forgotten(policy: SessionPolicy, session: Session, turns: Sequence[Turn]) -> bool:
    """Whether what was said in a session is past its time, though the session is not. ``turns`` are those remembered.

    What was made of it goes with it, or else a summary would keep what was to be forgotten.
    """
    return policy.history_ttl is not None and session.turns > 0 and not turns
