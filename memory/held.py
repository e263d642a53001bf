"""Everything that is held on one person: found in all engines, the index of owners and the archive; shown, or erased.

A person's are the sessions whose subject is their id, and those that they opened. A session that somebody else opened
is never theirs, whatever its id.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from memory.engine import SessionEngine
from memory.session import EndedSession, Session, Turn


class PersonalArchive(Protocol):
    """What is asked of ``memory.archive.Archive``."""

    def sessions_of(self, owner: str) -> list[str]: ...
    def owner(self, session_id: str) -> str | None: ...
    def window(self, session_id: str, turns: int) -> list[Turn]: ...
    def delete(self, session_id: str) -> bool: ...
    def tidy(self) -> bool: ...


_ROUNDS: Final = 3
"""How often it is looked for more: a turn may have opened a session while the others were erased."""

_ENDING: Final = 2.0
"""Seconds that a turn of this process is given to end."""

_ALL: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Held:
    """What the store holds of one subject. ``turns`` are all that are stored, oldest first."""

    subject: str
    session: Session | None
    turns: tuple[Turn, ...]
    ended: tuple[EndedSession, ...]

    def __bool__(self) -> bool:
        return bool(self.session or self.turns or self.ended)


@dataclass(slots=True)
class Erased:
    """How much of what was erased, in one namespace or in the archive."""

    sessions: int = 0
    turns: int = 0
    ended: int = 0


@dataclass(slots=True)
class Receipt:
    """``stopped`` counts turns that were running. ``reached`` is False where the store was away, so that there may be
    sessions that it could not be asked for; ``overwritten``, where the archive is in use and does not overwrite deleted
    text yet: what was found is erased all the same, and asking again does the rest."""

    engines: dict[str, Erased] = field(default_factory=dict)
    archive: Erased = field(default_factory=Erased)
    stopped: int = 0
    reached: bool = True
    overwritten: bool = True


def held(engine: SessionEngine, user: str) -> Iterator[Held]:
    """What an engine's store holds of a user, subject by subject; also those of which it holds nothing (any more)."""
    listed = engine.owners.keys(user, (engine.namespace,))
    for subject in dict.fromkeys((user, *(key.subject for key in listed))):
        key = engine.key(subject)
        found = engine.store.read(key, _ALL)
        if found.session is None or found.session.owner in ("", user):
            # A session id may have had other owners: what theirs left is not this user's.
            ended = (each for each in engine.store.ended(key) if each.owner in ("", user))
            yield Held(subject, found.session, found.turns, tuple(ended))


def archived(archive: PersonalArchive, user: str) -> list[str]:
    """The ids of a user's conversations in the archive: those they opened, and the one of nobody's under their id."""
    own = archive.sessions_of(user)
    return [*own, user] if user not in own and archive.owner(user) == "" else own


def erase(engines: Mapping[str, SessionEngine], archive: PersonalArchive | None, user: str) -> Receipt:
    """Erase all that is held on a user, and end the turns that are running for them.

    What remains are keyed hashes in the store, so that no other instance brings anything back. Erasing twice is no
    error.
    """
    receipt = Receipt({name: Erased() for name in engines})
    for _ in range(_ROUNDS):
        if not sum(_erase_in(engine, user, receipt) for engine in engines.values()):  # each of them is asked
            break
    for owners in {id(engine.store): engine.owners for engine in engines.values()}.values():
        owners.forget(user)
    receipt.reached = not any(engine.store.status().degraded for engine in engines.values())
    if archive is not None:
        for session_id in archived(archive, user):
            turns = len(archive.window(session_id, _ALL))
            if archive.delete(session_id):
                receipt.archive.sessions += 1
                receipt.archive.turns += turns
        receipt.overwritten = archive.tidy()
    return receipt


def _erase_in(engine: SessionEngine, user: str, receipt: Receipt) -> bool:
    """Erase what one engine holds; whether there was anything."""
    erased, anything = receipt.engines[engine.namespace], False
    for each in list(held(engine, user)):
        erased.sessions += each.session is not None
        erased.turns += len(each.turns)
        erased.ended += len(each.ended)
        engine.forget(each.subject)
        # After the erasure, so that what the turn has said so far can't be stored any more.
        stopped = engine.stop_turn(each.subject)
        _wait_for_the_end(engine, each.subject)
        receipt.stopped += stopped
        anything = anything or stopped or bool(each)
    return anything


def _wait_for_the_end(engine: SessionEngine, subject: str) -> None:
    """Of a turn of this process: what it writes to the archive before it is refused must be there to be erased."""
    deadline = time.monotonic() + _ENDING
    while engine.leases.holds(engine.key(subject)) and time.monotonic() < deadline:
        time.sleep(0.01)
