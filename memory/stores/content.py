"""All that a store holds of one subject, as plain values: what two stores compare when they had to work apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from memory.session import EndedSession, Session, Turn
from memory.stores import documents
from memory.stores.documents import Path


@dataclass(frozen=True, slots=True)
class Last:
    """The turn that used up its session, replayable until ``until`` (ms)."""

    until: int
    turn: Turn


@dataclass(frozen=True, slots=True)
class Content:
    """Times are ms; turns are oldest first, ended sessions newest first.

    deadline, history_until   as in a commit; 0 where there is none
    replayable   ids of turns that a retry may ask for
    applied      what was merged already: of each instance, the number of the last thing that it did
    stamps, edited   when fields of the attributes were written: by a merge, and without a turn
    erased       when everything of the subject was last erased
    """

    session: Session | None = None
    deadline: int = 0
    turns: tuple[Turn, ...] = ()
    replayable: frozenset[str] = frozenset()
    last: Last | None = None
    ended: tuple[EndedSession, ...] = ()
    history_until: int = 0
    applied: Mapping[str, int] = field(default_factory=dict)
    stamps: Mapping[Path, int] = field(default_factory=dict)
    edited: int = 0
    erased: int = 0

    def turns_of(self, started: int) -> tuple[Turn, ...]:
        """Those said in the session that began then."""
        return tuple(turn for turn in self.turns if turn.session_started == started)

    def holds(self, turn_id: str) -> bool:
        return any(turn.id == turn_id for turn in self.turns) or bool(self.last and self.last.turn.id == turn_id)

    def since(self, erased: int) -> Content:
        """What was said and done after an erasure. Attributes that may be older than it are gone with it."""
        if not erased:
            return self
        turns = tuple(turn for turn in self.turns if turn.began > erased)
        session = self.session
        if session and session.started <= erased:
            session, turns = _begun_later(session, turns)
            if session and self.session:
                session = replace(session, attributes=documents.since(self.session.attributes, self.stamps, erased))
        return replace(
            self,
            session=session,
            turns=turns,
            last=self.last if self.last and self.last.turn.began > erased else None,
            ended=tuple(left_of_end(record, erased) for record in self.ended if record.ended > erased),
            erased=max(self.erased, erased),
        )


def left_of_end(record: EndedSession, erased: int) -> EndedSession:
    """The record of a session that ended after an erasure; what it left may be of before, if it began before."""
    return replace(record, carry_over="", owner="") if record.started <= erased else record


def _begun_later(session: Session, turns: tuple[Turn, ...]) -> tuple[Session | None, tuple[Turn, ...]]:
    """The session as if it had begun with the first of its turns that are left."""
    own = [turn for turn in turns if turn.session_started == session.started]
    if not own:
        return None, turns
    left = rebased(session, own)
    return left, tuple(moved(turn, left.started) if turn in own else turn for turn in turns)


def rebased(session: Session, turns: Iterable[Turn]) -> Session:
    """A session of nothing but these turns."""
    said = list(turns)
    return replace(session, started=min(turn.began for turn in said), turns=len(said), attributes={})


def moved(turn: Turn, started: int) -> Turn:
    """The turn as one of the session that began at ``started``."""
    return turn if turn.session_started == started else replace(turn, session_started=started)
