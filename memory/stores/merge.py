"""How two records of one subject become one, after an instance had to work without Redis. Pure functions.

A turn is stored by its id, once, in the order of the times at which turns began; so the order in which instances
reconcile makes no difference, and neither does doing it twice.

An end takes with it what was said in its session until then; what was said later was said in a session of its own. An
end for inactivity holds only as long as nobody knows of activity: whoever was told of a turn was not inactive.

Sessions of one subject that began apart become one: it began when the earliest did. Where they have different owners,
the earliest stays alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from memory.codec import encode_turn
from memory.policy import INACTIVITY
from memory.session import EndedSession, Session, Turn
from memory.stores import documents
from memory.stores.base import ENDED_KEPT, ENDED_KEPT_MS, LIVE_TURNS
from memory.stores.content import Content, Last, moved, rebased
from memory.stores.documents import Change, Path
from memory.stores.unsynced import Mark, Ours, Said, Unsynced


@dataclass(frozen=True, slots=True)
class Merged:
    """What both sides hold from now on. ``counts`` (by minute, then name) are to be added once; ``conflict`` says that
    two sessions had to become one; ``gone`` are turns that went with the end of their session."""

    content: Content
    counts: Mapping[int, Mapping[str, int]]
    conflict: bool = False
    gone: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Piece:
    """A live session of one side, ``turns`` being those that are kept of it. ``counted`` is how many it counts, without
    those that the other side was not told of."""

    session: Session
    began_as: int
    counted: int
    turns: tuple[Turn, ...]
    deadline: int
    changes: Mapping[Path, Change]


def merge(theirs: Content, ours: Ours, *, now: int, whole: bool = False) -> Merged:
    """What Redis holds and what this instance holds, as one.

    ``whole``: Redis is another dataset than the one we knew, so all we hold is told to it; else only what it was not
    told, since what is missing there has ended meanwhile.
    """
    erased = ours.unsynced.erased
    ours, before = ours.since(theirs.erased), theirs
    theirs = theirs.since(erased)
    new = _new(theirs, ours.unsynced)
    ends = _ends(theirs, ours, new, whole=whole)
    pieces = _pieces(theirs, ours, new, ends, now=now, whole=whole)
    owner, pieces, conflict = _of_one_owner(pieces)
    session, taken, deadline, stamps = _session(theirs, ours, pieces, new, ends, owner)
    history_until = max(theirs.history_until, ours.content.history_until)
    turns = {turn.id: turn for turn in taken}
    if history_until > now and not conflict:  # turns outlive their session, so those of earlier ones stay
        turns = {turn.id: turn for turn in _earlier(theirs, ours, new, whole=whole)} | turns
    kept = _newest(turns.values(), ours.keep_turns, ours.max_bytes)
    if session:
        session = replace(session, stored_bytes=sum(len(encode_turn(turn)) for turn in kept))
    replayable = {*theirs.replayable, *ours.content.replayable, *(s.turn.id for s in new.values() if s.replayable)}
    content = Content(
        session=session,
        deadline=deadline,
        turns=kept,
        replayable=frozenset(turn.id for turn in kept if turn.id in replayable),
        last=_last(theirs.last, ours.content.last, now),
        ended=_records(theirs, ours, ends, now),
        history_until=history_until if kept or history_until > now else 0,
        applied=_applied(theirs.applied, ours.unsynced.marks()),
        stamps=stamps,
        edited=theirs.edited if session else 0,
        erased=max(theirs.erased, erased),
    )
    counts = _counts(ours.unsynced, theirs)
    live = (session.turns if session else 0) - (before.session.turns if before.session else 0)
    if live and (any_key := session or before.session):
        minute = counts.setdefault(now // 60_000, {})
        name = f"{any_key.key.namespace}.{LIVE_TURNS}"
        minute[name] = minute.get(name, 0) + live
    gone = frozenset(new) - turns.keys()
    return Merged(content, counts, conflict or (len(pieces) > 1 and _apart(pieces)), gone)


# --- turns ----------------------------------------------------------------------------------------------------------


def _new(theirs: Content, unsynced: Unsynced) -> dict[str, Said]:
    """The turns that Redis has not, and never had."""
    return {
        turn_id: said
        for turn_id, said in unsynced.turns.items()
        if said.mark.number > theirs.applied.get(said.mark.instance, 0) and not theirs.holds(turn_id)
    }


def _earlier(theirs: Content, ours: Ours, new: Mapping[str, Said], *, whole: bool) -> list[Turn]:
    """Turns that may have outlived their session. Theirs were forgotten if their time was up when ours were said."""
    said = [each.turn for each in new.values()]
    forgotten = said and theirs.history_until <= min(turn.began for turn in said)
    return [*(() if forgotten else theirs.turns), *(ours.content.turns if whole else ()), *said]


def in_order(turns: Iterable[Turn]) -> list[Turn]:
    """By the time at which they began; those that began in the same millisecond as they were given."""
    return sorted(turns, key=lambda turn: turn.began)


def _newest(turns: Iterable[Turn], keep_turns: int, max_bytes: int) -> tuple[Turn, ...]:
    """The newest turns, as many as are kept at most; oldest first."""
    kept: list[Turn] = []
    size = 0
    for turn in reversed(in_order(turns)):
        size += len(encode_turn(turn))
        if kept and ((keep_turns and len(kept) >= keep_turns) or (max_bytes and size > max_bytes)):
            break
        kept.append(turn)
    return tuple(kept[::-1])


def count_of_both(one: int, its: Sequence[Turn], other: int, others: Sequence[Turn]) -> int:
    """How many turns a session counts of which two sides know ``one`` and ``other``, and of these hold some still.

    Exact where nothing was dropped. What a side dropped is older than all that it holds: of that part the larger count
    is taken, since both counted the same turns; what is younger is compared by id.
    """
    horizon = max(_dropped_before(one, its), _dropped_before(other, others))
    before = max(one - _count(its, horizon), other - _count(others, horizon))
    return before + len({turn.id for turn in (*its, *others) if turn.began >= horizon})


def _dropped_before(count: int, held: Sequence[Turn]) -> float:
    """Before this moment the side dropped turns."""
    if count <= len(held):
        return -math.inf
    return min((turn.began for turn in held), default=math.inf)


def _count(turns: Iterable[Turn], since: float) -> int:
    return sum(turn.began >= since for turn in turns)


# --- sessions -------------------------------------------------------------------------------------------------------


def _ends(theirs: Content, ours: Ours, new: Mapping[str, Said], *, whole: bool) -> dict[int, EndedSession]:
    """The ends that hold, by the start of their session."""
    found: dict[int, EndedSession] = {}
    for record in theirs.ended:
        active = any(
            said.turn.session_started == record.started and said.turn.began < record.ended for said in new.values()
        )
        if not (active and record.reason == INACTIVITY):
            found[record.started] = record
    live = theirs.session
    told = [end.record for end in ours.unsynced.ends.values()]
    for record in (*told, *(ours.content.ended if whole else ())):
        active = live is not None and live.started == record.started and theirs.deadline > record.ended
        if not (active and record.reason == INACTIVITY):
            known = found.get(record.started)
            found[record.started] = record if known is None else max(known, record, key=_rank_of_end)
    return found


def _rank_of_end(record: EndedSession) -> tuple[int, int, str, str]:
    return (record.ended, record.turns, record.reason, record.carry_over)


def _pieces(
    theirs: Content,
    ours: Ours,
    new: Mapping[str, Said],
    ends: Mapping[int, EndedSession],
    *,
    now: int,
    whole: bool,
) -> list[_Piece]:
    """The live session of each side, as far as it has one; theirs first."""
    found = []
    if theirs.session and (piece := _their_piece(theirs, theirs.session, ends)):
        found.append(piece)
    if ours.content.session:
        piece = _our_piece(theirs, ours, ours.content.session, new, ends, now=now, whole=whole)
        if piece:
            found.append(piece)
    return found


def _their_piece(theirs: Content, session: Session, ends: Mapping[int, EndedSession]) -> _Piece | None:
    own = theirs.turns_of(session.started)
    end = ends.get(session.started)
    if end is None:
        return _Piece(session, session.started, session.turns, own, theirs.deadline, {})
    later = tuple(turn for turn in own if turn.began > end.ended)
    if not later:
        return None
    # Of the attributes, what was written later goes on with it, as far as that is known.
    changes = documents.later(session.attributes, theirs.stamps, end.ended)
    return _Piece(rebased(session, later), session.started, len(later), later, theirs.deadline, changes)


def _our_piece(
    theirs: Content,
    ours: Ours,
    session: Session,
    new: Mapping[str, Said],
    ends: Mapping[int, EndedSession],
    *,
    now: int,
    whole: bool,
) -> _Piece | None:
    started, unsynced, deadline = session.started, ours.unsynced, ours.content.deadline
    said = [each.turn for each in new.values() if each.turn.session_started == started]
    untold = sum(each.turn.session_started == started for each in unsynced.turns.values())
    end = ends.get(started)
    if end is not None:
        later = [turn for turn in said if turn.began > end.ended]
        changes = documents.begun_anew(unsynced.changes, end.ended)
        return _Piece(rebased(session, later), started, 0, (), deadline, changes) if later else None
    if theirs.session and theirs.session.started == started and not whole:
        return _Piece(session, started, 0, (), deadline, unsynced.changes)
    if ours.in_redis != started and not whole:
        return _Piece(session, started, session.turns - untold, (), deadline, unsynced.changes)
    contradicted = any(record.started == started for record in theirs.ended)
    if contradicted or (whole and (said or deadline > now)):
        synced = tuple(turn for turn in ours.content.turns_of(started) if turn.id not in unsynced.turns)
        document = documents.whole(session.attributes, ours.agreed, unsynced.changes)
        return _Piece(session, started, session.turns - untold, synced, deadline, document)
    if said:  # it has ended elsewhere, and what was said here since is a session of its own
        return _Piece(rebased(session, said), started, 0, (), deadline, documents.begun_anew(unsynced.changes))
    return None


def _of_one_owner(pieces: Sequence[_Piece]) -> tuple[str, list[_Piece], bool]:
    """The owner, what belongs to them, and whether something does not."""
    by_start = sorted(pieces, key=lambda piece: (piece.session.started, piece.session.owner))
    owner = next((piece.session.owner for piece in by_start if piece.session.owner), "")
    own = [piece for piece in pieces if piece.session.owner in ("", owner)]
    return owner, own, len(own) < len(pieces)


def _apart(pieces: Sequence[_Piece]) -> bool:
    return len({piece.began_as for piece in pieces}) > 1


def _session(
    theirs: Content,
    ours: Ours,
    pieces: Sequence[_Piece],
    new: Mapping[str, Said],
    ends: Mapping[int, EndedSession],
    owner: str,
) -> tuple[Session | None, list[Turn], int, Mapping[Path, int]]:
    """The one session of the pieces, its turns, its deadline, and the stamps of its attributes."""
    if not pieces:
        return None, [], 0, {}
    started = min(piece.session.started for piece in pieces)
    starts = {piece.began_as for piece in pieces}
    said = [each.turn for each in new.values() if each.turn.session_started in starts]
    said = [turn for turn in said if turn.session_started not in ends or turn.began > ends[turn.session_started].ended]
    first, *rest = pieces
    counted = first.counted
    for piece in rest:
        counted = count_of_both(counted, first.turns, piece.counted, piece.turns)
    turns = {turn.id: moved(turn, started) for piece in pieces for turn in piece.turns}
    turns |= {turn.id: moved(turn, started) for turn in said}
    latest = max(pieces, key=lambda piece: (piece.session.last_activity, piece.deadline))
    document, stamps = _attributes(theirs, pieces)
    before = [each for each in (theirs.session, ours.content.session) if each]
    revision = max((each.revision for each in before), default=0)
    session = Session(
        key=latest.session.key,
        started=started,
        last_activity=max(latest.session.last_activity, *(turn.ended for turn in said), 0),
        turns=counted + len(said),
        owner=owner,
        attributes=document,
        revision=revision + any(each.attributes != document for each in before),
    )
    return session, list(turns.values()), latest.deadline, stamps


def _attributes(theirs: Content, pieces: Sequence[_Piece]) -> tuple[dict[str, Any], Mapping[Path, int]]:
    document: dict[str, Any] = {}
    stamps: Mapping[Path, int] = {}
    written = -1
    for piece in pieces:
        if theirs.session and piece.session is theirs.session:
            document, stamps = dict(theirs.session.attributes), theirs.stamps
            written = max(theirs.session.last_activity, theirs.edited)
        elif piece.changes:
            document, stamps = documents.merge(document, stamps, written, piece.changes)
    return document, stamps


# --- the rest -------------------------------------------------------------------------------------------------------


def _last(theirs: Last | None, ours: Last | None, now: int) -> Last | None:
    both = [last for last in (theirs, ours) if last and last.until > now]
    return max(both, key=lambda last: (last.until, last.turn.id), default=None)


def _records(theirs: Content, ours: Ours, ends: Mapping[int, EndedSession], now: int) -> tuple[EndedSession, ...]:
    records = sorted(ends.values(), key=_rank_of_end, reverse=True)
    kept = [record for record in records if record.ended > now - ENDED_KEPT_MS][:ENDED_KEPT]
    return tuple(kept[:1] + [record.without_words() for record in kept[1:]])


def _applied(known: Mapping[str, int], marks: Iterable[Mark]) -> dict[str, int]:
    applied = dict(known)
    for mark in marks:
        applied[mark.instance] = max(applied.get(mark.instance, 0), mark.number)
    return applied


def _counts(unsynced: Unsynced, theirs: Content) -> dict[int, dict[str, int]]:
    """What was counted while Redis was away, by minute. The turns of live sessions are not among it: how many there are
    more or less is seen from the sessions themselves."""
    counts: dict[int, dict[str, int]] = {}
    for tally in unsynced.tallies:
        if tally.mark.number <= theirs.applied.get(tally.mark.instance, 0) or theirs.holds(tally.turn_id):
            continue
        minute = counts.setdefault(tally.minute, {})
        for name, delta in tally.deltas.items():
            if not name.endswith(f".{LIVE_TURNS}"):
                minute[name] = minute.get(name, 0) + delta
    return {minute: deltas for minute, deltas in counts.items() if deltas}
