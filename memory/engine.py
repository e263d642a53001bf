"""The session engine: turns that are stored whole or not at all, in sessions that end by themselves.

The engine acts around two pure things: the policy's verdict and the store's compare-and-set. A turn costs two round
trips, ``claim`` and ``commit``; only a session that rolls over costs a third.
"""

from __future__ import annotations

import copy
import hashlib
import logging
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from memory import policy as rules
from memory import stats, summary
from memory.codec import encode_document, encode_turn
from memory.errors import (
    IdempotencyMismatch,
    InvalidKey,
    SessionBusy,
    SessionNotFound,
    StaleTurn,
    StoreUnavailable,
    TooLarge,
)
from memory.ids import new_id
from memory.leases import LeaseKeeper
from memory.owners import NAMESPACE as OWNERS
from memory.owners import Owners
from memory.policy import SessionPolicy, Verdict
from memory.session import CARRIED, SUMMARY, EndedSession, Key, Message, Session, Turn
from memory.stores.base import (
    ENDED_KEPT,
    ENDED_KEPT_MS,
    Busy,
    Claimed,
    Closed,
    Closing,
    Commit,
    Committed,
    Durability,
    Known,
    OnEnd,
    Renewed,
    SessionStore,
    Snapshot,
)
from memory.summary import Summary
from memory.waiting import WaitingLine

log = logging.getLogger(__name__)

MAX_ATTRIBUTES: Final = 16_384
"""Bytes of a session's attributes, as JSON; what the engine makes of turns is not counted."""

_ATTEMPTS: Final = 100
_POLL: Final = 0.01
_ENDS_BY_ITSELF: Final = frozenset({rules.DURATION, rules.INACTIVITY, rules.CONVERSATION_LIMIT})
_APPLIED: Final = "_applied"
_APPLIED_KEPT: Final = 32

Change = Callable[[dict[str, Any]], None]


class TurnArchive(Protocol):
    """Where turns are kept for good, for policies with ``archive``."""

    def owner(self, session_id: str) -> str | None: ...
    def find_turn(self, session_id: str, turn_id: str) -> Turn | None: ...
    def record(self, session_id: str, owner: str, turn: Turn) -> None: ...
    def window(self, session_id: str, turns: int) -> list[Turn]: ...
    def remove_turn(self, session_id: str, turn_id: str) -> object: ...


@dataclass(slots=True)
class RunningTurn:
    """A turn between ``begin_turn`` and ``finish_turn``. ``session`` is as it was before this turn.

    Where the key was used before, ``replay`` is the stored turn and there is nothing to finish; ``ended`` is the record
    of its session, if that is over and not forgotten. ``partial``: there may be more history in a store that is away.
    ``on_signal`` is called when somebody asks the turn to stop, or its lease is lost. ``held`` are the newest turns
    that are kept, shown or not; ``changes`` of the attributes come with the beginning of the turn.
    """

    id: str
    key: Key
    message: str
    session: Session
    turns: tuple[Turn, ...]
    began: int
    fence: int = 0
    new: bool = False
    forget_turns: bool = False
    replayable: bool = False
    replay: Turn | None = None
    ended: EndedSession | None = None
    partial: bool = False
    held: tuple[Turn, ...] = ()
    changes: tuple[Change, ...] = ()
    on_signal: Callable[[Renewed], None] | None = None
    signalled: Renewed | None = None
    started_at: float = field(default_factory=time.monotonic)

    @property
    def history(self) -> tuple[Message, ...]:
        """The messages so far, oldest first, without this turn's."""
        return tuple(message for turn in self.turns for message in turn.messages)

    def signal(self, what: Renewed) -> None:
        self.signalled = what
        if self.on_signal:
            self.on_signal(what)


@dataclass(frozen=True, slots=True)
class View:
    """A session and what the policy says of it at ``now`` (ms). ``turns`` are those read along, oldest first."""

    session: Session
    verdict: Verdict
    now: int
    turns: tuple[Turn, ...] = ()
    busy: bool = False


@dataclass(frozen=True, slots=True)
class FinishedTurn:
    """A turn that is safe (``durability`` says where), and its session as it is after it.

    ``degraded``: the store was away and this process served for it; ``partial``: with a part of the history, perhaps.
    """

    turn: Turn
    session: Session
    verdict: Verdict
    now: int
    durability: Durability
    degraded: bool = False
    partial: bool = False
    replayed: bool = False


class SessionEngine:
    """Sessions of one namespace under one policy. Safe for threads; make it after a fork, or use it only after.

    store       where they live (``open_store``)
    namespace   a lower-case word; engines of several instances share sessions by sharing store and namespace
    turn_wait   how long (s) a turn waits for another one of its session, at most
    archive     where turns are kept for good, if the policy says so
    leases      one ``LeaseKeeper`` can serve the engines of a process; without, the engine makes its own
    make_summary   what is made of turns for running summaries and carry-overs, where the policy has them
    on_end      told of each end that this engine made, once it is stored; must neither wait nor raise
    """

    def __init__(
        self,
        store: SessionStore,
        policy: SessionPolicy,
        *,
        namespace: str,
        turn_wait: float = 10.0,
        archive: TurnArchive | None = None,
        leases: LeaseKeeper | None = None,
        holder: str = "",
        make_summary: Summary = summary.extract,
        on_end: OnEnd | None = None,
    ) -> None:
        if not namespace.replace("-", "").replace("_", "").isalnum() or namespace in ("stats", OWNERS):
            raise InvalidKey("a namespace", namespace)
        self.store = store
        self.policy = policy
        self.namespace = namespace
        self.turn_wait = turn_wait
        self.archive = archive if policy.archive else None
        self.leases = leases or LeaseKeeper(store)
        self.holder = holder or secrets.token_hex(4)
        self.owners = Owners(store)
        self._make_summary = make_summary
        self._on_end = on_end
        self._keeps_words = policy.carry_over or policy.summarise
        # How many turns are read where something may be made of them, besides those that are shown. One at least: the
        # last one tells whether they are past their time.
        self._looked_at = policy.window if self._keeps_words else 1
        self._line = WaitingLine()

    def key(self, subject: str) -> Key:
        """The subject's key in this namespace; ``InvalidKey`` where it is none."""
        if not 1 <= len(subject) <= 256 or any(0xD800 <= ord(c) <= 0xDFFF for c in subject):
            raise InvalidKey("a subject", subject)
        return Key(self.namespace, subject)

    # --- turns ------------------------------------------------------------------------------------------------------

    def begin_turn(
        self,
        subject: str,
        message: str,
        *,
        key: str | None = None,
        owner: str | None = "",
        create: bool = True,
        shown_turns: int | None = None,
        wait: float | None = None,
    ) -> RunningTurn:
        """Begin a turn: its session is ours until it is finished or abandoned.

        ``key`` makes a retry of the same message answer with the stored turn (``RunningTurn.replay``). ``owner`` is
        who asks: a session that another opened is not found (None: may act for everybody). Without ``create`` nor is
        one that is not live, unless the store that would know is away. ``shown_turns`` overrides the policy's. Raises
        ``SessionBusy``, ``IdempotencyMismatch``, ``SessionNotFound``, ``StoreUnavailable``, ``StoreFull``.
        """
        place = self.key(subject)
        shown = self.policy.shown_turns if shown_turns is None else shown_turns
        turn_id = _keyed_id(key) if key else new_id()
        claimed = self._claim(place, max(shown, self._looked_at), turn_id if key else "", wait)
        if isinstance(claimed, Known):
            return self._replay(place, message, owner, claimed)
        found, fence = claimed.found, claimed.fence
        session = found.session
        if session and not _owned(session, owner):
            self.store.release(place, fence)
            raise SessionNotFound(subject)
        if session and (said := rules.verdict(self.policy, session, found.now)).ended:
            self._try_close(session, said.ended, said.at, fence=fence, turns=found.turns)
            if session.owner:
                found = replace(found, turns=())
            session = None
        if session is None and not create and not found.partial:
            self.store.release(place, fence)
            raise SessionNotFound(subject)
        turns = rules.remembered(self.policy, found.turns, session, found.now)
        forgotten: tuple[Change, ...] = ()
        if session and rules.is_forgotten(self.policy, session, turns):
            forgotten = (_forget_words,)
            session = replace(session, attributes=summary.without_words(session.attributes))
        running = RunningTurn(
            id=turn_id,
            key=place,
            message=message,
            session=session or Session(place, found.now, found.now, owner=owner or ""),
            turns=turns[-shown:] if shown else (),
            began=found.now,
            fence=fence,
            new=session is None,
            forget_turns=bool(found.turns) and not turns,
            replayable=key is not None,
            partial=found.partial,
            held=turns,
            changes=forgotten,
        )
        self.leases.hold(place, fence, running.signal)
        try:
            if running.new and self.archive:
                self._look_up(self.archive, running, owner)
            if running.new and running.session.owner:
                self.owners.add(running.session.owner, place)
            if self.archive and len(turns) < shown:  # what was said in earlier sessions is there, too
                running.turns = running.held = tuple(self.archive.window(subject, shown))
            if running.new and self.policy.carry_over:
                self._carry_over_to(running)
        except BaseException:
            self.abandon_turn(running)
            raise
        if running.replay:
            self.abandon_turn(running)
        return running

    def _look_up(self, archive: TurnArchive, running: RunningTurn, owner: str | None) -> None:
        """A session that begins anew may be an older one in the archive: it keeps its owner, and its keys hold."""
        subject = running.key.subject
        was = archive.owner(subject)
        if was is None:
            return
        if owner is not None and was not in ("", owner):
            raise SessionNotFound(subject)
        running.session = replace(running.session, owner=was)
        if running.replayable and (stored := archive.find_turn(subject, running.id)):
            if stored.message != running.message:
                raise IdempotencyMismatch
            running.session = Session(running.key, stored.session_started, stored.ended, turns=1, owner=was)
            running.replay = stored

    def _carry_over_to(self, running: RunningTurn) -> None:
        """A new session opens with what the one before left, unless all of that is shown anyway."""
        before = next(iter(self.store.ended(running.key)), None)
        if before is None or before.owner not in ("", running.session.owner):
            return
        text = before.carry_over
        if text and sum(turn.session_started == before.started for turn in running.turns) < before.turns:
            running.session = replace(running.session, attributes={CARRIED: text})
            running.changes = (lambda document: document.update({CARRIED: text}),)

    def _claim(self, key: Key, shown: int, turn_id: str, wait: float | None) -> Claimed | Known:
        """Wait in line, at most ``wait`` seconds (``turn_wait`` where that is None), and take the lease."""
        patience = self.turn_wait if wait is None else wait
        begun = time.monotonic()
        with self._line.place(key) as ticket:
            while True:
                until = None
                if self._line.is_head(key, ticket):
                    claimed = self.store.claim(
                        key,
                        holder=self.holder,
                        lease_ms=self.leases.lease_ms,
                        turns=shown,
                        turn_id=turn_id,
                    )
                    if not isinstance(claimed, Busy):
                        return claimed
                    until = claimed
                left = begun + patience - time.monotonic()
                if left <= 0:
                    seconds = max(1, -(-(until.until - until.now) // 1000)) if until else 1
                    raise SessionBusy(patience, retry_after=min(seconds, 5))
                self._line.pause(min(left, _POLL))

    def _replay(self, key: Key, message: str, owner: str | None, known: Known) -> RunningTurn:
        session = known.found.session
        if session and not _owned(session, owner):
            raise SessionNotFound(key.subject)
        if known.turn.message != message:
            raise IdempotencyMismatch
        ended = None
        if session is None or session.started != known.turn.session_started:
            started = known.turn.session_started
            ended = next((record for record in self.store.ended(key) if record.started == started), None)
            session = Session(key, started, known.turn.ended, turns=ended.turns if ended else 1)
        return RunningTurn(
            id=known.turn.id,
            key=key,
            message=message,
            session=session,
            turns=known.found.turns,
            began=known.found.now,
            replay=known.turn,
            ended=ended,
            partial=known.found.partial,
        )

    def finish_turn(
        self,
        turn: RunningTurn,
        reply: str | Sequence[Message],
        *,
        data: Mapping[str, Any] | None = None,
        interrupted: bool = False,
        changes: Sequence[Change] = (),
        unshown: int = 0,
    ) -> FinishedTurn:
        """Store the whole turn and free its session; when this returns, the turn is safe.

        ``reply`` is the text, or all messages of the turn from the user's on. ``data`` travels with the reply.
        ``changes`` edit the session's attributes. ``unshown`` is for how many of the turn's ``turns``, the oldest, the
        model had no room. Raises ``StaleTurn`` where the session was ended meanwhile, ``TooLarge``,
        ``StoreUnavailable``; then nothing was stored, and ``abandon_turn`` is due.
        """
        if turn.replay:
            return self._replayed(turn, turn.replay)
        took = round((time.monotonic() - turn.started_at) * 1000)
        at = turn.began + took
        messages = (Message("human", turn.message), Message("ai", reply)) if isinstance(reply, str) else tuple(reply)
        stored = Turn(turn.id, turn.session.started, turn.began, took, messages, data or {}, interrupted)
        row = encode_turn(stored)
        if len(row) > self.policy.max_bytes:
            raise TooLarge("the turn", len(row), self.policy.max_bytes)
        if self.archive:
            self.archive.record(turn.key.subject, turn.session.owner, stored)
        session = replace(turn.session, turns=turn.session.turns + 1, last_activity=at)
        try:
            changes = (*changes, *self._summarising(turn, stored, unshown, len(row)))
            session, said = self._commit(turn, session, stored, changes, at, row)
        except StoreUnavailable:  # it may be stored all the same
            raise
        except Exception:
            self._take_back(turn, stored)
            raise
        self._done(turn)
        return self._finished(turn, stored, session, said, at)

    def _take_back(self, turn: RunningTurn, stored: Turn) -> None:
        """The archive forgets a turn that was refused; unless a retry of it was stored, then it has that one."""
        if not self.archive:
            return
        kept = self.store.read(turn.key, self.policy.keep_turns).turns
        retried = next((each for each in kept if each.id == stored.id), None)
        if retried:
            self.archive.record(turn.key.subject, turn.session.owner, retried)
        else:
            self.archive.remove_turn(turn.key.subject, stored.id)

    def _commit(
        self,
        turn: RunningTurn,
        session: Session,
        stored: Turn | None,
        changes: Sequence[Change],
        at: int,
        row: bytes = b"",
    ) -> tuple[Session, Verdict]:
        said = rules.verdict(self.policy, session, at)
        # Without a turn of its own, for example when a session is touched, what is there stays as long as it would.
        spoke = stored.ended if stored else turn.turns[-1].ended if turn.turns else None
        changes = (*turn.changes, *changes)
        for _ in range(_ATTEMPTS):
            attributes = _edited(session.attributes, changes) if changes else None
            closing = None
            if said.ended:
                after = session if attributes is None else replace(session, attributes=attributes)
                closing = self._closing(after, said.ended, said.at, (*turn.held, *((stored,) if stored else ())))
            outcome = self.store.commit(
                turn.key,
                turn.fence,
                Commit(
                    session=session,
                    turn=stored,
                    row=row,
                    deadline=said.at,
                    keep_turns=self.policy.keep_turns,
                    max_bytes=self.policy.max_bytes,
                    counted=stats.of_turn(session, stored, said.ended, new=turn.new, at=at),
                    replayable=turn.replayable,
                    history_until=None
                    if spoke is None
                    else self._history_until(session, spoke, ended=closing is not None),
                    forget_turns=turn.forget_turns,
                    attributes=attributes,
                    closing=closing,
                ),
            )
            if outcome is Committed.STORED:
                if attributes is not None:
                    session = replace(session, attributes=attributes, revision=session.revision + 1)
                if closing:
                    self._tell_end(session, closing)
                return session, said
            if outcome is Committed.STALE:
                raise StaleTurn
            found = self.store.read(turn.key, 0).session
            if found is None:
                raise StaleTurn
            session = replace(session, attributes=found.attributes, revision=found.revision)
        raise SessionBusy(0.0)

    def _replayed(self, turn: RunningTurn, stored: Turn) -> FinishedTurn:
        said = rules.verdict(self.policy, turn.session, turn.began)
        if turn.ended:
            said = replace(said, ended=turn.ended.reason, at=turn.ended.ended)
        return self._finished(turn, stored, turn.session, said, turn.began)

    def _finished(self, turn: RunningTurn, stored: Turn, session: Session, said: Verdict, at: int) -> FinishedTurn:
        return FinishedTurn(
            turn=stored,
            session=session,
            verdict=said,
            now=at,
            durability=self.store.durability(self.namespace),
            degraded=self.store.degraded,
            partial=turn.partial,
            replayed=turn.replay is not None,
        )

    def abandon_turn(self, turn: RunningTurn, *, failed: bool = False) -> None:
        """Give the session back and leave no trace of the turn; ``failed`` counts it as an error."""
        if not turn.fence:
            return
        counted = stats.of_failure(self.namespace, turn.began) if failed else None
        try:
            self.store.release(turn.key, turn.fence, counted)
        finally:
            self._done(turn)

    def _done(self, turn: RunningTurn) -> None:
        self.leases.drop(turn.key, turn.fence)
        turn.fence = 0
        self._line.nudge()

    def stop_turn(self, subject: str) -> bool:
        """Ask the turn that runs for this subject, here or in another instance, to end. False where none runs."""
        key = self.key(subject)
        return self.leases.ask_to_stop(key) or self.store.stop(key)

    def waiting(self, subject: str) -> int:
        """How many turns of this subject wait in this process for the one that is running."""
        return self._line.length(self.key(subject))

    # --- sessions ---------------------------------------------------------------------------------------------------

    def session(self, subject: str, *, owner: str | None = None, turns: int = 0) -> View | None:
        """The live session with its newest ``turns``, or None where there is none. Looking changes nothing.

        ``StoreUnavailable`` where there may be one in a store that is away.
        """
        found = self.store.read(self.key(subject), turns)
        _refuse_to_guess(found)
        view = self._view(found)
        if view is None or view.verdict.ended or not _owned(view.session, owner):
            return None
        return view

    def _view(self, found: Snapshot) -> View | None:
        session = found.session
        if session is None:
            return None
        said = rules.verdict(self.policy, session, found.now)
        if said.ended and found.leased:  # a turn that began in time keeps its session until it is finished
            said = replace(said, ended=None)
        turns = rules.remembered(self.policy, found.turns, session, found.now)
        return View(session, said, found.now, turns, found.leased)

    def history(self, subject: str, limit: int = 10, *, owner: str | None = None) -> tuple[Turn, ...]:
        """The newest ``limit`` turns that are remembered, oldest first; they may outlive their session."""
        found = self.store.read(self.key(subject), limit)
        _refuse_to_guess(found)
        view = self._view(found)
        if view and not _owned(view.session, owner):
            return ()
        session = view.session if view and not view.verdict.ended else None
        return rules.remembered(self.policy, found.turns, session, found.now)

    def list(self, subject: str) -> tuple[View | None, Sequence[EndedSession]]:
        """The live session, and the ended ones of the last 24 hours (at most 20), newest first."""
        key = self.key(subject)
        found = self.store.read(key, self._looked_at if self._keeps_words else 0)
        _refuse_to_guess(found)
        view = self._view(found)
        ended = self.store.ended(key)
        if view and view.verdict.ended:  # over, though no sweep came by yet
            if view.verdict.at > view.now - ENDED_KEPT_MS:
                record = self._closing(view.session, view.verdict.ended, view.verdict.at, found.turns).record
                ended = [record, *(each.without_words() for each in ended)][:ENDED_KEPT]
            view = None
        elif view and self._keeps_words and rules.is_forgotten(self.policy, view.session, view.turns):
            attributes = summary.without_words(view.session.attributes)
            view = replace(view, session=replace(view.session, attributes=attributes))
        return view, ended

    def live(self, limit: int = 100, offset: int = 0) -> Sequence[View]:
        """A page of all live sessions, those that end last first, without their turns."""
        return self.views(self.store.live(self.namespace, limit, offset))

    def views(self, keys: Sequence[Key]) -> Sequence[View]:
        """Those of the given sessions that are live, without their turns."""
        views = (self._view(found) for found in self.store.peek(keys))
        return [view for view in views if view and not view.verdict.ended]

    def open(self, subject: str, *, owner: str = "") -> Session:
        """The live session, begun now (without a turn) where there is none."""
        turn = self.begin_turn(subject, "", owner=owner, shown_turns=1)
        try:
            if not turn.new:
                return turn.session
            session, _ = self._commit(turn, turn.session, None, (), turn.began)
            self._done(turn)
            return session
        finally:
            self.abandon_turn(turn)

    def touch(self, subject: str, *, owner: str | None = None) -> bool:
        """Extend the live session as a turn would. False where there is none; a running turn extends it anyway."""
        try:
            turn = self.begin_turn(subject, "", owner=owner, create=False, shown_turns=1, wait=0)
        except SessionBusy:
            return True
        except SessionNotFound:
            return False
        try:
            if turn.new:
                raise StoreUnavailable(self.store.kind)
            self._commit(turn, replace(turn.session, last_activity=turn.began), None, (), turn.began)
            self._done(turn)
            return True
        finally:
            self.abandon_turn(turn)

    def update(
        self, subject: str, change: Change, *, key: str | None = None, owner: str | None = "", create: bool = False
    ) -> Mapping[str, Any]:
        """Edit the session's attributes atomically; returns the new document.

        ``change`` may run more than once. With a ``key`` a repeated update changes nothing. ``create`` opens a session
        where there is none, else ``SessionNotFound``. ``TooLarge`` beyond 16 KiB.
        """
        changes = (_once(change, key),) if key else (change,)
        for attempt in range(_ATTEMPTS):
            try:
                view = self.session(subject, owner=owner)
            except StoreUnavailable:
                if not create:
                    raise
                view = None
            if view is None:
                if not create:
                    raise SessionNotFound(subject)
                self.open(subject, owner=owner or "")
                continue
            session = view.session
            edited = _edited(session.attributes, changes)
            if edited == session.attributes:
                return edited
            if self.store.put_attributes(session.key, session.started, session.revision, edited):
                return edited
            time.sleep(secrets.randbelow(1 + min(attempt, 20)) / 1000)
        raise SessionBusy(0.0)

    def end(self, subject: str, reason: str = rules.MANUAL, *, owner: str | None = None) -> EndedSession | None:
        """End the live session now, running turn and all; None where there was none."""
        key = self.key(subject)
        for _ in range(_ATTEMPTS):
            found = self.store.read(key, 0)
            _refuse_to_guess(found)
            if found.session is None or not _owned(found.session, owner):
                return None
            said = rules.verdict(self.policy, found.session, found.now)
            closed, record = self._try_close(
                found.session, said.ended or reason, said.at if said.ended else found.now, force=True, turns=None
            )
            if closed is Closed.CHANGED:
                continue
            self._line.nudge()
            return None if said.ended or closed is not Closed.CLOSED else record
        raise SessionBusy(0.0)

    def close_if_ended(self, found: Snapshot) -> str | None:
        """Close a session whose time is up; the reason, if this call ended it. For sweeps."""
        view = self._view(found)
        if view is None or view.verdict.ended is None:
            return None
        session = view.session
        # Should it have another turn meanwhile, it is not closed.
        turns = self.store.read(session.key, self._looked_at).turns if self.policy.carry_over else ()
        closed, record = self._try_close(session, view.verdict.ended, view.verdict.at, turns=turns)
        return record.reason if closed is Closed.CLOSED else None

    def forget(self, subject: str) -> bool:
        """Erase everything that the store holds of a subject; True if there was anything."""
        erased = self.store.forget(self.key(subject))
        self._line.nudge()
        return erased

    def shutdown(self) -> int:
        """End every session of a store that ends with this process; how many. Sessions in Redis stay."""
        count = 0
        while self.store.kind == "memory" and (views := self.live(limit=100)):
            for view in views:
                closed, _ = self._try_close(view.session, rules.SHUTDOWN, view.now, force=True, turns=None)
                count += closed is Closed.CLOSED
        return count

    def _try_close(
        self,
        session: Session,
        reason: str,
        at: int,
        *,
        turns: Sequence[Turn] | None,
        fence: int | None = None,
        force: bool = False,
    ) -> tuple[Closed, EndedSession]:
        """``turns`` are the newest that are kept, as far as something is to be made of them; None: nothing is carried
        over, as somebody wanted the session gone."""
        closing = self._closing(session, reason, at, turns)
        if reason not in _ENDS_BY_ITSELF:  # somebody wanted it gone: nothing is remembered beyond it
            closing = replace(closing, history_until=None)
        counted = stats.of_end(session, closing.record, at)
        closed = self.store.close(session, closing, counted, fence=fence, force=force)
        if closed is Closed.CLOSED:
            self._tell_end(session, closing)
        return closed, closing.record

    def _tell_end(self, session: Session, closing: Closing) -> None:
        if self._on_end:
            self._on_end(self.namespace, closing.record, session.owner)

    def _closing(self, session: Session, reason: str, at: int, turns: Sequence[Turn] | None) -> Closing:
        record = EndedSession(session.key.subject, session.started, at, session.turns, reason)
        if self.policy.carry_over and turns is not None:
            kept = rules.remembered(self.policy, tuple(turns), session, at)
            if session.turns and not rules.is_forgotten(self.policy, session, kept):
                left = summary.left_behind(session, kept, self._make)
                record = replace(record, carry_over=left, owner=session.owner if left else "")
        return Closing(record, self._history_until(session, session.last_activity, ended=True))

    def _history_until(self, session: Session, last_message: int, *, ended: bool) -> int | None:
        """Until when the history may outlive its session. What is somebody's goes with the session: the next to open
        one of the same id may be another."""
        return None if ended and session.owner else rules.history_until(self.policy, last_message)

    # --- summaries --------------------------------------------------------------------------------------------------

    def earlier(self, turn: RunningTurn, unshown: int = 0) -> str:
        """What a model should be told of what it is not shown, in short: of the session before, and where the policy
        summarises, of this one. ``unshown`` is how many of the turn's ``turns``, the oldest, it can't be shown."""
        session = turn.session
        if unshown:
            attributes = summary.summarised(session, turn.turns, self._make, summary.SUMMARY_BYTES, oldest=unshown)
            session = replace(session, attributes=attributes)
        return summary.earlier(self.policy, session)

    def _summarising(self, turn: RunningTurn, stored: Turn, unshown: int, size: int) -> tuple[Change, ...]:
        """The change of the attributes by which turns that are not shown any more go into the summary."""
        if not self.policy.summarise:
            return ()
        turns = (*turn.held, stored)
        before = len(turn.held) - len(turn.turns)
        stored_bytes = turn.session.stored_bytes + size
        gone = summary.not_shown(self.policy, turns, unshown and before + unshown, stored_bytes=stored_bytes)

        def change(document: dict[str, Any]) -> None:
            session = replace(turn.session, attributes=document)
            document.update(summary.summarised(session, turns, self._make, summary.SUMMARY_BYTES, oldest=gone))

        return (change,) if len(turns) - len(summary.unsummarised(turn.session, turns)) < gone else ()

    def _make(self, previous: str, turns: Sequence[Turn], limit: int, /) -> str:
        try:
            return self._make_summary(previous, turns, limit)
        except Exception:  # whatever an assistant's rules stumble over, the turn is stored and the session ends
            log.exception("the summary of %s failed", self.namespace)
            return summary.extract(previous, turns, limit)

    def rewrite_summary(self, subject: str, make: Summary) -> bool:
        """Let ``make`` (a model, which takes its time) write the summary anew, with all turns in it that are kept.

        Nothing waits for it: where the session has changed meanwhile, or a turn is running, it stays as it is. Whether
        it was written. Raises what ``make`` raises.
        """
        found = self.store.read(self.key(subject), self._looked_at)
        view = self._view(found)
        if view is None or view.verdict.ended or view.busy or rules.is_forgotten(self.policy, view.session, view.turns):
            return False
        session, limit = view.session, summary.SUMMARY_BYTES if self.policy.summarise else summary.CARRY_OVER_BYTES
        attributes = summary.summarised(session, view.turns, make, limit)
        if attributes.get(SUMMARY) == session.attributes.get(SUMMARY):
            return False
        return self.store.put_attributes(session.key, session.started, session.revision, attributes)


def _refuse_to_guess(found: Snapshot) -> None:
    """A session that is unknown here, while the store that may know it is away, is not "not found"."""
    if found.session is None and found.partial:
        raise StoreUnavailable("redis")


def _owned(session: Session, owner: str | None) -> bool:
    """A session without an owner is for whoever knows its id; ``owner`` None acts for everybody."""
    return owner is None or session.owner in ("", owner)


def _keyed_id(key: str) -> str:
    return urlsafe_b64encode(hashlib.blake2b(key.encode(), digest_size=12).digest()).decode()


def _edited(attributes: Mapping[str, Any], changes: Sequence[Change]) -> dict[str, Any]:
    document = copy.deepcopy(dict(attributes))
    for change in changes:
        change(document)
    if (size := len(encode_document(summary.without_words(document)))) > MAX_ATTRIBUTES:
        raise TooLarge("what the session remembers", size, MAX_ATTRIBUTES)
    return document


def _forget_words(document: dict[str, Any]) -> None:
    for name in (CARRIED, SUMMARY):
        document.pop(name, None)


def _once(change: Change, key: str) -> Change:
    """The change, unless one of the same key was made before (the newest 32 keys are remembered)."""
    mark = _keyed_id(key)

    def apply(document: dict[str, Any]) -> None:
        applied = document.get(_APPLIED, [])
        if mark not in applied:
            change(document)
            document[_APPLIED] = [*applied, mark][-_APPLIED_KEPT:]

    return apply


def iterate_live(engine: SessionEngine, page: int = 500, limit: int = 10_000) -> Iterator[View]:
    """All live sessions in pages, at most ``limit``."""
    for offset in range(0, limit, page):
        keys = engine.store.live(engine.namespace, min(page, limit - offset), offset)
        yield from engine.views(keys)
        if len(keys) < page:  # not the views: some of a page may be over
            return
