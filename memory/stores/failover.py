"""Redis, and this process for the time when Redis is away: nothing that a user was told is lost, nothing is doubled.

A request asks Redis; the first that fails trips the store (``open``), and from then on this process serves from what it
has seen (``shadow.py``) and what its disk remembers (``journal.py``), without asking again. A thread of its own finds
Redis back (``watch.py``) and tells it what it missed (``reconcile.py``), subject by subject. A request for a subject of
which Redis has not been told everything tells it first, so none of them waits for the others.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeVar

from memory.errors import StoreFull, StoreUnavailable
from memory.session import EndedSession, Key, Session
from memory.stores import documents
from memory.stores.base import (
    Busy,
    Claimed,
    Closed,
    Closing,
    Commit,
    Committed,
    Counted,
    Durability,
    Known,
    Listener,
    OnEnd,
    Renewed,
    SessionStore,
    Snapshot,
    StoreStatus,
    Totals,
)
from memory.stores.content import Content
from memory.stores.dataset import Prober
from memory.stores.exchange import Exchange
from memory.stores.journal import Journal, JournalFailed
from memory.stores.reconcile import Reconciler
from memory.stores.record import Record, of_commit, of_end, remember
from memory.stores.redis import RedisStore
from memory.stores.remote_clock import RemoteClock
from memory.stores.shadow import Shadow
from memory.stores.standing import Standing, State
from memory.stores.watch import Watch

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

LOOSE = Key("stats", "")
"""Under whose name counts are told that belong to no subject."""


class FailoverStore(SessionStore):
    """Made by ``open_failover_store``. Starts its thread and opens its journal at the first use: after a fork.

    ``durability_of``: for each namespace, whether acknowledged turns go to ``journal`` (``disk``) or stay in this
    process (``memory``, also for namespaces that are not named).
    """

    kind = "redis"

    def __init__(
        self,
        remote: RedisStore,
        prober: Prober,
        *,
        instance: str,
        clock: RemoteClock,
        max_bytes: int,
        journal: Journal | None = None,
        durability_of: Mapping[str, Literal["disk", "memory"]] | None = None,
        on_end: OnEnd | None = None,
    ) -> None:
        self._remote = remote
        self._clock = clock
        self._journal = journal
        self._durability_of = dict(durability_of or {})
        self._shadow = Shadow(instance, max_bytes=max_bytes, clock=clock)
        self._standing = Standing(clock, self._changed)
        self._reconciler = Reconciler(
            remote,
            Exchange(remote, instance),
            self._shadow,
            journal_of=self._journal_of,
            trip=self._trip,
            away=lambda: self._standing.away,
            on_end=on_end,
        )
        self._watch = Watch(
            remote, prober, self._shadow, self._standing, self._reconciler, clock=clock, journal=journal
        )
        self._unshadowed: dict[tuple[Key, int], str] = {}
        self._starting = threading.Lock()
        self._started = False

    # --- which of the two -------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        if not self._started:
            with self._starting:
                if not self._started:
                    self._watch.start()
                    self._started = True

    def _trip(self, error: StoreUnavailable) -> None:
        self._standing.trip(str(error))

    def _changed(self, state: State) -> None:
        if state is State.OPEN:
            self._shadow.begin_era()
        event = {"type": "store_state", "state": str(state), "at": self._clock(), "instance": self._shadow.instance}
        self._shadow.count(Counted(self._clock(), events=[event]))

    def _here(self, key: Key) -> bool:
        """Whether this process serves a subject: while Redis is away, and until it was told what is pending."""
        self._begin()
        if self._standing.away:
            return True
        if key in self._shadow.pending:
            return self._reconciler.settle(key).content is None
        return False

    def _either(self, remote: Callable[[], Answer], here: Callable[[], Answer]) -> Answer:
        """What concerns no single subject."""
        self._begin()
        if not self._standing.away:
            try:
                return remote()
            except StoreUnavailable as error:
                self._trip(error)
        return here()

    def now(self) -> int:
        return self._either(self._remote.now, self._clock)

    # --- a turn -----------------------------------------------------------------------------------------------------

    def claim(self, key: Key, *, holder: str, lease_ms: int, turns: int, turn_id: str = "") -> Claimed | Busy | Known:
        self._begin()

        def here() -> Claimed | Busy | Known:
            self._recall(key)
            return self._shadow.claim(key, holder=holder, lease_ms=lease_ms, turns=turns, turn_id=turn_id)

        if self._standing.away or self._shadow.runs_here(key):
            return here()
        if key in self._shadow.pending:
            settled = self._reconciler.settle(key)
            if settled.busy:
                return settled.busy
            if settled.content is None:
                return here()
        era = self._shadow.era
        try:
            claimed = self._remote.claim(key, holder=holder, lease_ms=lease_ms, turns=turns, turn_id=turn_id)
            return self._took(key, claimed, era, holder, lease_ms, turns) if isinstance(claimed, Claimed) else claimed
        except StoreUnavailable as error:
            self._trip(error)
            claimed = here()
            self._shadow.leave_lease(key, holder)  # Redis may have given it out, and only its answer was lost
            return claimed

    def _lost(self, era: int) -> bool:
        """Whether Redis is another dataset than in an era, and so did not know something. Raises ``StoreUnavailable``.

        Another request may be finding that out at the same time; then this one waits for it.
        """
        return self._watch.is_another_dataset() or self._shadow.era != era

    def _took(self, key: Key, claimed: Claimed, era: int, holder: str, lease_ms: int, turns: int) -> Claimed:
        """Repeat a claim in the shadow, unless Redis lost what it must know."""
        self._clock.learn(claimed.found.now)
        if not self._shadow.expects(key, claimed.found) and self._lost(era):
            settled = self._reconciler.settle(key, claimed.fence)
            if settled.content is None:
                raise StoreUnavailable("redis", "lost its data and takes none")
            claimed = Claimed(claimed.fence, _snapshot(settled.content, claimed.found.now, turns))
        if not self._shadow.took(key, claimed, era=era, holder=holder, lease_ms=lease_ms):
            self._unshadowed[key, claimed.fence] = holder
        return claimed

    def _recall(self, key: Key) -> None:
        """A subject that the shadow does not know may be in the journal."""
        journal = self._journal_of(key.namespace)
        if journal and not self._shadow.knows(key) and (records := journal.records(key)):
            self._shadow.restore(key, remember(records))

    def renew(self, leases: Sequence[tuple[Key, int]], lease_ms: int) -> list[Renewed]:
        self._begin()
        return [self._renew(key, fence, lease_ms) for key, fence in leases]

    def _renew(self, key: Key, fence: int, lease_ms: int) -> Renewed:
        here = self._shadow.renew([(key, fence)], lease_ms)[0]
        if self._standing.away or self._shadow.given_here(key, fence):
            return here
        try:
            renewed = self._remote.renew([(key, fence)], lease_ms)[0]
        except StoreUnavailable as error:
            self._trip(error)
            return here
        if renewed is Renewed.LOST and self._was_forgotten(key, fence):
            return Renewed.HELD
        return renewed

    def _was_forgotten(self, key: Key, fence: int) -> bool:
        """Whether Redis does not know a lease because it was away, or is another dataset; then it is one of ours."""
        try:
            forgotten = self._shadow.taken_before(key, fence) or self._lost(self._shadow.era_of(key))
        except StoreUnavailable as error:
            self._trip(error)
            forgotten = True
        return forgotten and self._shadow.keep_here(key, fence)

    def commit(self, key: Key, fence: int, commit: Commit) -> Committed:
        self._begin()
        if self._standing.away or self._shadow.given_here(key, fence):
            return self._commit_here(key, fence, commit)
        era = self._shadow.era
        try:
            outcome = self._remote.commit(key, fence, commit)
        except StoreUnavailable as error:
            self._trip(error)
            return self._commit_here(key, fence, commit)
        if outcome is Committed.STORED:
            self._keep(key, fence, commit)
            self._repeated(key, era)
        elif outcome is Committed.STALE:
            if self._was_forgotten(key, fence):
                return self._commit_late(key, fence, commit)
            self._unshadowed.pop((key, fence), None)
            self._shadow.freed(key, fence)
        return outcome

    def _repeated(self, key: Key, era: int) -> None:
        """What Redis did was repeated here. If it lost its data since, it may have been told everything but that."""
        if self._shadow.era != era:
            self._shadow.tell_again(key)
            self._done_here(key)

    def _keep(self, key: Key, fence: int, commit: Commit) -> None:
        """Redis stored a turn: repeat it in the shadow and in the journal."""
        self._unshadowed.pop((key, fence), None)
        dropped = self._shadow.kept(key, fence, commit)
        journal = self._journal_of(key.namespace)
        if journal is None:
            return
        attributes = commit.session.attributes if commit.attributes is None else commit.attributes
        record = of_commit(commit, self._shadow.next_mark(), attributes, synced=True)
        if commit.closing and commit.history_until is None:
            journal.replace(key, [of_end(commit.session, commit.closing, record.mark, self._shadow.held(key))])
            return
        if dropped:
            journal.forget_turns(key, dropped)
        try:
            journal.append(record)
        except JournalFailed:  # said in the log and in the status; Redis has the turn
            return

    def _commit_here(self, key: Key, fence: int, commit: Commit) -> Committed:
        """Store a turn in the shadow: first in the journal, so that what is acknowledged is safe."""
        if holder := self._unshadowed.pop((key, fence), ""):
            self._shadow.adopt(key, fence, holder, commit.session)
        commit = self._shadow.corrected(key, fence, commit)
        foreseen = self._shadow.foresee(key, fence, commit)
        if foreseen is not None:
            return foreseen
        mark = self._shadow.next_mark()
        journal = self._journal_of(key.namespace)
        if journal:
            held = self._shadow.held(key)
            before = held.content.session.attributes if held.content.session else {}
            attributes = before if commit.attributes is None else commit.attributes
            self._write(
                journal,
                of_commit(
                    commit,
                    mark,
                    attributes,
                    synced=False,
                    in_redis=held.in_redis,
                    agreed=held.agreed,
                    changes=documents.changes(before, attributes, self._clock(), {}),
                ),
            )
        outcome = None
        try:
            outcome = self._shadow.commit(key, fence, commit, mark)
        finally:
            if journal and outcome is not Committed.STORED:
                journal.undo(key, mark)
        self._done_here(key)
        return outcome

    def _commit_late(self, key: Key, fence: int, commit: Commit) -> Committed:
        """Redis is back and does not know the turn's lease any more: what became of its session decides."""
        outcome = self._commit_here(key, fence, commit)
        if outcome is Committed.STORED and commit.turn:
            settled = self._reconciler.settle(key)
            if commit.turn.id in settled.gone:
                return Committed.STALE
        return outcome

    def _done_here(self, key: Key) -> None:
        """Something was done here: if Redis serves already, it has to be told soon."""
        if not self._standing.away and key in self._shadow.pending:
            self._standing.reopen()

    def release(self, key: Key, fence: int, counted: Counted | None = None) -> bool:
        self._begin()
        self._unshadowed.pop((key, fence), None)
        if not (self._standing.away or self._shadow.given_here(key, fence)):
            try:
                released = self._remote.release(key, fence, counted)
            except StoreUnavailable as error:
                self._trip(error)
            else:
                self._shadow.freed(key, fence)
                return released
        released = self._shadow.release(key, fence, counted)
        self._done_here(key)
        return released

    def stop(self, key: Key) -> bool:
        if self._shadow.runs_here(key):
            return self._shadow.stop(key)
        return self._either(lambda: self._remote.stop(key), lambda: self._shadow.stop(key))

    # --- a session --------------------------------------------------------------------------------------------------

    def read(self, key: Key, turns: int) -> Snapshot:
        if not self._here(key):
            era = self._shadow.era
            try:
                found = self._remote.read(key, turns)
                if not self._shadow.expects(key, found) and self._lost(era):
                    return self.read(key, turns)
            except StoreUnavailable as error:
                self._trip(error)
            else:
                self._shadow.glimpsed(key, found)
                return found
        self._recall(key)
        return self._shadow.read(key, turns)

    def peek(self, keys: Sequence[Key]) -> list[Snapshot]:
        found = self._either(lambda: self._remote.peek(keys), lambda: self._shadow.peek(keys))
        pending = self._shadow.pending
        return [self._shadow.read(k, 0) if k in pending else each for k, each in zip(keys, found, strict=True)]

    def close(
        self, session: Session, closing: Closing, counted: Counted, *, fence: int | None = None, force: bool = False
    ) -> Closed:
        key = session.key
        ours = fence is not None and self._shadow.given_here(key, fence)
        if not ours and not self._here(key):
            era = self._shadow.era
            try:
                closed = self._remote.close(session, closing, counted, fence=fence, force=force)
            except StoreUnavailable as error:
                self._trip(error)
            else:
                if closed is Closed.CLOSED:
                    self._shadow.closed(session, closing, fence)
                    self._journal_end(session, closing, None)
                    self._repeated(key, era)
                return closed
        foreseen = self._shadow.foresee_close(session, fence=fence, force=force)
        if foreseen is not None:
            return foreseen
        self._journal_end(session, closing, counted)
        closed = self._shadow.close(session, closing, counted, fence=fence, force=force)
        self._done_here(key)
        return closed

    def _journal_end(self, session: Session, closing: Closing, counted: Counted | None) -> None:
        """``counted`` is None where Redis knows of the end."""
        journal = self._journal_of(session.key.namespace)
        if journal is None:
            return
        held = self._shadow.held(session.key)
        record = of_end(session, closing, self._shadow.next_mark(), held, counted=counted)
        if record.synced and closing.history_until is None:
            journal.replace(session.key, [record])
            return
        self._write_if_possible(journal, record)

    def put_attributes(self, key: Key, started: int, revision: int, attributes: Mapping[str, Any]) -> bool:
        if not self._here(key):
            era = self._shadow.era
            try:
                put = self._remote.put_attributes(key, started, revision, attributes)
            except StoreUnavailable as error:
                self._trip(error)
            else:
                if put:
                    self._shadow.put(key, started, revision, attributes)
                    self._journal_attributes(key, started, revision, attributes, synced=True)
                    self._repeated(key, era)
                return put
        self._recall(key)
        if not self._shadow.is_at(key, started, revision):
            return False
        self._journal_attributes(key, started, revision, attributes, synced=False)
        put = self._shadow.put_attributes(key, started, revision, attributes)
        self._done_here(key)
        return put

    def _journal_attributes(
        self, key: Key, started: int, revision: int, attributes: Mapping[str, Any], *, synced: bool
    ) -> None:
        journal = self._journal_of(key.namespace)
        if journal is None:
            return
        held = self._shadow.held(key)
        content = held.content
        session = content.session
        if session is None or session.started != started:
            return
        record = Record(
            key=key,
            mark=self._shadow.next_mark(),
            synced=synced,
            until=max(content.deadline, content.history_until),
            session=replace(session, attributes=attributes, revision=revision + 1),
            in_redis=held.in_redis,
            agreed=held.agreed,
            deadline=content.deadline,
            history_until=content.history_until,
            keep_turns=held.keep_turns,
            max_bytes=held.max_bytes,
            changes={} if synced else documents.changes(session.attributes, attributes, self._clock(), {}),
        )
        if synced:
            self._write_if_possible(journal, record)
        else:
            self._write(journal, record)

    def forget(self, key: Key) -> bool:
        journal = self._journal_of(key.namespace)
        if not self._here(key):
            at = self._clock()
            try:
                there = self._remote.forget(key)
            except StoreUnavailable as error:
                self._trip(error)
            else:
                self._watch.forgot(key, at)
                self._shadow.forgot(key)
                self._erase(journal, key)
                return there
        self._recall(key)
        there = self._shadow.forget(key)
        self._erase(journal, key)
        if journal:
            at = self._shadow.held(key).unsynced.erased
            self._write(journal, Record(key, self._shadow.next_mark(), synced=False, until=at, erased=at))
        self._done_here(key)
        return there

    def _erase(self, journal: Journal | None, key: Key) -> None:
        """Nothing of a subject is left in the journal's files when this returns."""
        if journal:
            try:
                journal.forget(key, wait=True)
            except JournalFailed as error:
                raise StoreUnavailable(
                    "journal", "can't be written, so what is on the disk is not erased yet"
                ) from error
            journal.tidy()

    def ended(self, key: Key) -> list[EndedSession]:
        if not self._here(key):
            try:
                return self._remote.ended(key)
            except StoreUnavailable as error:
                self._trip(error)
        self._recall(key)
        return self._shadow.ended(key)

    # --- indexes ----------------------------------------------------------------------------------------------------

    def due(self, namespace: str, now: int, limit: int, skip: int = 0) -> list[str]:
        if self._standing.state is State.RECONCILE or self._clock() < self._watch.calm_until:
            return []
        return self._either(
            lambda: self._remote.due(namespace, now, limit, skip),
            lambda: self._shadow.due(namespace, now, limit, skip),
        )

    def postpone(self, key: Key, deadline: int | None) -> bool:
        return self._either(lambda: self._remote.postpone(key, deadline), lambda: self._shadow.postpone(key, deadline))

    def live(self, namespace: str, limit: int, offset: int = 0) -> list[Key]:
        return self._either(
            lambda: self._remote.live(namespace, limit, offset), lambda: self._shadow.live(namespace, limit, offset)
        )

    def totals(self, namespace: str) -> Totals:
        return self._either(lambda: self._remote.totals(namespace), lambda: self._shadow.totals(namespace))

    def recount(self, namespace: str) -> None:
        self._either(lambda: self._remote.recount(namespace), lambda: self._shadow.recount(namespace))

    def trim(self, namespace: str, now: int) -> None:
        self._either(lambda: self._remote.trim(namespace, now), lambda: self._shadow.trim(namespace, now))

    # --- counts -----------------------------------------------------------------------------------------------------

    def count(self, counted: Counted) -> None:
        self._either(lambda: self._remote.count(counted), lambda: self._shadow.tally(LOOSE, counted))

    def series(self, minutes: Iterable[int]) -> dict[int, dict[str, int]]:
        wanted = list(minutes)
        return self._either(lambda: self._remote.series(wanted), lambda: self._shadow.series(wanted))

    def counters(self) -> dict[str, int]:
        return self._either(self._remote.counters, self._shadow.counters)

    def listen(self) -> Listener:
        """Events of all instances, and while Redis is away those of this one."""
        self._begin()
        listener = self._shadow.listen()
        leave = self._remote.tell(listener, 0.0 if self._standing.away else 1.0)
        alone = listener.close

        def close() -> None:
            leave()
            alone()

        listener.close = close
        return listener

    # --- the process ------------------------------------------------------------------------------------------------

    @property
    def degraded(self) -> bool:
        return self._standing.state is not State.CLOSED

    def status(self) -> StoreStatus:
        unsynced, oldest = self._shadow.unsynced_turns() if self._shadow.pending else (0, None)
        report = self._reconciler.report
        detail: dict[str, Any] = {
            "unsynced": unsynced,
            "oldestUnsynced": oldest,
            "shadowBytes": self._shadow.usage()["used_bytes"],
            "lastReconcile": None
            if not report.at
            else {
                "at": report.at,
                "turnsReplayed": report.turns,
                "sessionsReasserted": report.sessions,
                "ended": report.ended,
                "conflicts": report.conflicts,
                "ms": report.ms,
            },
        }
        if self._journal:
            detail |= {
                "journalBytes": self._journal.size,
                "journalTurns": self._journal.rows,
                "journalError": self._journal.failed or None,
                "journalsUnreadable": self._watch.unreadable,
            }
        standing = self._standing
        return StoreStatus(self.kind, standing.state, standing.since, self.degraded, detail)

    def durability(self, namespace: str) -> Durability:
        if self._standing.state is State.CLOSED:
            return Durability.REDIS
        journal = self._journal_of(namespace)
        return Durability.DISK if journal and not journal.failed else Durability.MEMORY

    def usage(self) -> Mapping[str, Any]:
        return self._either(self._remote.usage, self._shadow.usage)

    def bytes_of(self, keys: Sequence[Key]) -> int:
        return self._either(lambda: self._remote.bytes_of(keys), lambda: self._shadow.bytes_of(keys))

    def close_store(self) -> None:
        """Tell Redis what it can be told at once, write the journal, stop the threads. What is left is on the disk."""
        with self._starting:
            if self._started:
                self._watch.stop()
        self._remote.close_store()

    def vanish(self) -> None:
        """Be gone as a process is that was killed: Redis is told nothing more, and the disk keeps what it has."""
        self._begin()
        self._watch.vanish()
        self._remote.close_store()

    # --- the journal ------------------------------------------------------------------------------------------------

    def _journal_of(self, namespace: str) -> Journal | None:
        return self._journal if self._durability_of.get(namespace) == "disk" else None

    def _write(self, journal: Journal, record: Record) -> None:
        """What is not on the disk is not acknowledged."""
        try:
            journal.append(record)
        except JournalFailed as error:
            raise StoreFull("journal") from error

    def _write_if_possible(self, journal: Journal, record: Record) -> None:
        try:
            journal.append(record)
        except JournalFailed:  # said in the log and in the status
            return


def _snapshot(content: Content, now: int, turns: int) -> Snapshot:
    return Snapshot(now, content.session, content.turns[-turns:] if turns else (), leased=True)
