"""What an instance did for a subject while Redis was away, and Redis has not been told yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from memory.session import EndedSession, Turn
from memory.stores.content import Content, left_of_end, moved
from memory.stores.documents import Change, Path, begun_anew

ITEM_BYTES: Final = 700
"""What one turn, end or count takes here besides its text (measured with tracemalloc, rounded up)."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Who did a thing, and as its how-manieth. Redis remembers the last number it was told of each instance, so that a
    merge whose answer was lost does nothing when it is repeated."""

    instance: str
    number: int


@dataclass(frozen=True, slots=True)
class Said:
    """A turn that the user was told is done; ``size`` is that of its row in bytes."""

    mark: Mark
    turn: Turn
    replayable: bool = False
    size: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    mark: Mark
    record: EndedSession


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one thing done, in the minute (since 1970) of it. ``turn_id`` where they go with a turn: if that turn
    reached Redis after all, so did they."""

    mark: Mark
    minute: int
    deltas: Mapping[str, int]
    turn_id: str = ""


@dataclass(slots=True)
class Unsynced:
    """``turns`` by id, ``ends`` by the start of their session, ``changes`` of the attributes by path."""

    turns: dict[str, Said] = field(default_factory=dict)
    ends: dict[int, Ended] = field(default_factory=dict)
    tallies: list[Tally] = field(default_factory=list)
    changes: dict[Path, Change] = field(default_factory=dict)
    erased: int = 0
    last: Mark | None = None
    """The mark of the newest thing in here that has none of its own."""

    def __bool__(self) -> bool:
        return bool(self.turns or self.ends or self.tallies or self.changes or self.erased or self.last)

    def marks(self) -> Iterator[Mark]:
        yield from (said.mark for said in self.turns.values())
        yield from (end.mark for end in self.ends.values())
        yield from (tally.mark for tally in self.tallies)
        if self.last:
            yield self.last

    @property
    def oldest(self) -> int | None:
        """When the oldest of the turns began (ms)."""
        return min((said.turn.began for said in self.turns.values()), default=None)

    @property
    def size(self) -> int:
        """What all this takes, in bytes."""
        items = len(self.turns) + len(self.ends) + len(self.tallies) + len(self.changes)
        words = sum(len(end.record.carry_over.encode()) for end in self.ends.values())
        return ITEM_BYTES * items + 2 * sum(said.size for said in self.turns.values()) + words

    def copy(self) -> Unsynced:
        return Unsynced(
            dict(self.turns), dict(self.ends), list(self.tallies), dict(self.changes), self.erased, self.last
        )

    def without(self, merged: Unsynced) -> Unsynced:
        """What was added since ``merged`` was copied."""
        return Unsynced(
            {turn_id: said for turn_id, said in self.turns.items() if turn_id not in merged.turns},
            {at: end for at, end in self.ends.items() if merged.ends.get(at) != end},
            [tally for tally in self.tallies if tally not in merged.tallies],
            {path: change for path, change in self.changes.items() if merged.changes.get(path) != change},
            self.erased if self.erased > merged.erased else 0,
            self.last if self.last != merged.last else None,
        )

    def joined(self, other: Unsynced) -> Unsynced:
        """All of both: what two journals remember of one subject."""
        changes = dict(self.changes)
        for path, change in other.changes.items():
            if path not in changes or changes[path].at < change.at:
                changes[path] = change
        return Unsynced(
            {**other.turns, **self.turns},
            {**other.ends, **self.ends},
            [*self.tallies, *other.tallies],
            changes,
            max(self.erased, other.erased),
            max(filter(None, (self.last, other.last)), default=None),
        )

    def since(self, erased: int) -> Unsynced:
        """What is left of it after an erasure."""
        if not erased:
            return self
        return replace(
            self,
            turns={turn_id: said for turn_id, said in self.turns.items() if said.turn.began > erased},
            ends={
                at: replace(end, record=left_of_end(end.record, erased))
                for at, end in self.ends.items()
                if end.record.ended > erased
            },
            changes=begun_anew(self.changes, erased),
        )


@dataclass(frozen=True, slots=True)
class Ours:
    """What this instance holds of a subject, and what of it Redis has not been told.

    in_redis   when the session began that Redis is known to have had, None where it never had any
    agreed     the last activity (ms) of that session when both sides last agreed
    keep_turns, max_bytes   what is kept of the turns at most, 0 where that is not known
    """

    content: Content
    unsynced: Unsynced
    in_redis: int | None = None
    agreed: int = 0
    keep_turns: int = 0
    max_bytes: int = 0

    def since(self, erased: int) -> Ours:
        """What is left of it after an erasure."""
        if not erased:
            return self
        content, unsynced = self.content.since(erased), self.unsynced.since(erased)
        before, after = self.content.session, content.session
        if before and after and before.started != after.started:
            turns = {
                turn_id: replace(said, turn=moved(said.turn, after.started))
                if said.turn.session_started == before.started
                else said
                for turn_id, said in unsynced.turns.items()
            }
            unsynced = replace(unsynced, turns=turns)
        return replace(self, content=content, unsynced=unsynced)
