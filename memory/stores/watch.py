"""The thread that finds Redis gone, back, or another dataset, has it told what it missed, and tidies up.

Requests never probe: while Redis is away only this thread asks it, every 200 ms and with a client of its own; and while
it serves, once a second, whether it is still the dataset that we know.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import orjson

from memory.errors import StoreUnavailable
from memory.session import Key
from memory.stores import keys as names
from memory.stores.dataset import ERASURES_KEPT_MS, Dataset, Prober, Sighting, look
from memory.stores.journal import Journal, JournalFailed
from memory.stores.reconcile import Reconciler, Report, records_of
from memory.stores.record import remember
from memory.stores.redis import RedisStore
from memory.stores.remote_clock import RemoteClock
from memory.stores.shadow import Shadow
from memory.stores.standing import Standing, State

log = logging.getLogger(__name__)

HEAR_EVERY: Final = 0.05
PROBE_EVERY: Final = 0.2
CHECK_EVERY: Final = 1.0
BUSY_EVERY: Final = 0.05
UPKEEP_EVERY: Final = 10.0
LONGEST_PAUSE: Final = 2.0
"""Seconds. What others erase is listened for every 50 ms, which asks Redis nothing. A Redis that comes and goes is
probed less often, but never less often than every two seconds."""

GOOD_PROBES: Final = 2

CALM_MS: Final = 5_000
"""After an outage no session is swept for so long: what other instances were told of it may be on its way."""

PRUNE_MARGIN_MS: Final = 60_000
STILL_LIVE_MS: Final = 600_000
PRUNED_AT_ONCE: Final = 200

WRONG_MS: Final = 1_000
"""A clock that is further off than that is wrong; less is the time that an answer takes."""


class Watch:
    """``calm_until`` (ms): before then no session is to be swept.

    ``unreadable``: how many journals of earlier processes were written with another key.
    """

    def __init__(
        self,
        remote: RedisStore,
        prober: Prober,
        shadow: Shadow,
        standing: Standing,
        reconciler: Reconciler,
        *,
        clock: RemoteClock,
        journal: Journal | None,
    ) -> None:
        self._remote = remote
        self._prober = prober
        self._shadow = shadow
        self._standing = standing
        self._reconciler = reconciler
        self._clock = clock
        self._journal = journal
        self._datasets: list[Dataset] = []
        self._seen = 0.0
        self._comparing = threading.Lock()
        self._tell_journal = False
        self._erasures: dict[tuple[str, str], int] = {}
        self._erasures_seen = 0
        self._tell_erasures = False
        self._forgotten: deque[tuple[Key, int]] = deque(maxlen=10_000)
        self._good = 0
        self._returned = 0.0
        self._pause = PROBE_EVERY
        self._kept_up = 0.0
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self.calm_until = 0
        self.unreadable = 0

    # --- beginning and end ------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Take over what earlier processes left, look at Redis once, and begin to watch it."""
        if self._journal:
            self._open_journal(self._journal)
        try:
            self._back(self._prober.probe())
        except StoreUnavailable as error:
            self._standing.trip(str(error))
        else:
            if self._shadow.pending or self._tell_journal:
                self._standing.reconcile("Redis is told what an earlier process left in its journal")
        self._thread = threading.Thread(target=self._run, name="parley-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Tell Redis what can be told at once, and write the journal."""
        self._stopped.set()
        self._standing.wake.set()
        if self._thread:
            self._thread.join(timeout=2.0)
        if not self._standing.away:
            until = time.monotonic() + 1.0
            self._reconciler.run(lambda: time.monotonic() > until)
        self._prober.close()
        if self._journal:
            self._journal.close()

    def vanish(self) -> None:
        """Stop without a word."""
        self._stopped.set()
        self._standing.trip("this instance is gone")
        if self._thread:
            self._thread.join(timeout=2.0)
        self._prober.close()
        if self._journal:
            self._journal.abandon()

    def _open_journal(self, journal: Journal) -> None:
        try:
            journal.open()
        except JournalFailed as error:
            log.error("%s: until it can, only Redis keeps what is acknowledged", error)
            return
        adopted = journal.adopt()
        self.unreadable = adopted.unreadable
        for about in adopted.about:
            if raw := about.get("dataset"):
                self._datasets.append(Dataset.decode(raw))
            if raw := about.get("clock"):
                self._clock.assume(int(raw))
            if raw := about.get("erasures"):
                self._erasures.update({(tag, mark): at for tag, mark, at in orjson.loads(raw)})
        for key, records in journal.unsynced().items():
            self._shadow.restore(key, remember(records))
        if adopted.files:
            log.info("took over %d journaled rows of %d earlier processes", adopted.rows, adopted.files)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                pause = self.step()
            except Exception:  # the thread must outlive whatever it meets, or Redis would never be found again
                log.exception("the watch over Redis failed")
                pause = CHECK_EVERY
            self._rest(pause)

    def _rest(self, pause: float) -> None:
        """Wait that long (s), or until there is something to do; meanwhile what others erase is erased here."""
        until = time.monotonic() + pause
        while not self._stopped.is_set():
            left = until - time.monotonic()
            if left <= 0 or self._standing.wake.wait(min(left, HEAR_EVERY)):
                break
            self._hear_erasures()
        self._standing.wake.clear()

    def step(self) -> float:
        """What there is to do in this state, once; the seconds until the next time."""
        if self._standing.state is State.OPEN:
            return self._probe()
        if self._standing.state is State.RECONCILE:
            return self._reconcile()
        return self._check()

    # --- open -------------------------------------------------------------------------------------------------------

    def _probe(self) -> float:
        try:
            sighting = self._prober.probe()
            self._good += 1
            if self._good < GOOD_PROBES:
                return self._pause
            self._back(sighting)
        except StoreUnavailable:
            self._good = 0
            return self._pause
        self._standing.reconcile("Redis is back and is told what it missed")
        return 0.0

    def _back(self, sighting: Sighting) -> None:
        """Redis takes writes. Raises ``StoreUnavailable`` when a client of the requests can't be made."""
        self._good = 0
        soon = time.monotonic() - self._returned < 10 * LONGEST_PAUSE
        self._pause = min(2 * self._pause, LONGEST_PAUSE) if soon else PROBE_EVERY
        self._returned = time.monotonic()
        self._remote.reconnect()
        self._prober.deafen()
        self._erasures_seen = 0
        self._see(sighting)

    # --- which dataset ----------------------------------------------------------------------------------------------

    def is_another_dataset(self) -> bool:
        """Whether Redis lost what it knew: asked by a request that finds less than there must be.

        Raises ``StoreUnavailable``.
        """
        with self._comparing:
            changed = self._compare(look(self._remote.client))
        if changed:
            self._standing.reconcile("Redis holds another dataset and is told what is known here")
        return changed

    def _see(self, sighting: Sighting) -> bool:
        with self._comparing:
            return self._compare(sighting)

    def _compare(self, sighting: Sighting) -> bool:
        """Whether it is another dataset than was known; then everything is pending."""
        if sighting.begun < self._seen:  # another thread has looked since
            return False
        self._seen = sighting.begun
        error = sighting.now - self._clock()
        first = not self._clock.learned
        self._clock.learn(sighting.now)
        if first and abs(error) > WRONG_MS:
            log.warning("this machine's clock is %.0f s off; what was done by it is put right", error / 1000)
            self._shadow.put_right(error)
        known, self._datasets = self._datasets, [sighting.dataset]
        changed = any(dataset != sighting.dataset for dataset in known)
        if changed:
            self._shadow.tell_everything()
            self._tell_journal = self._journal is not None
            self._tell_erasures = True
        if self._journal and known != self._datasets:
            self._journal.remember("dataset", sighting.dataset.encode())
        return changed

    # --- reconcile --------------------------------------------------------------------------------------------------

    def _reconcile(self) -> float:
        begun = time.monotonic()
        if self._reconciler.report.at != self._standing.since:
            self._reconciler.report = Report(at=self._standing.since)
        try:
            self._hear_erasures()
            if self._tell_erasures:
                self._prober.tell_erasures(self._erasures)
                self._tell_erasures = False
            self._learn_erasures()
        except StoreUnavailable as error:
            self._standing.trip(str(error))
            return self._pause
        if self._tell_journal and self._journal:
            self._reconciler.tell_journaled(self._journal, self._stopped.is_set)
            self._tell_journal = self._standing.away
        self._reconciler.run(self._stopped.is_set)
        report = self._reconciler.report
        report.ms += round((time.monotonic() - begun) * 1000)
        if self._standing.away or self._stopped.is_set():
            return self._pause
        told = f"{report.turns} turns and {report.sessions} sessions told, {report.ended} ends"
        if not self._standing.close(self._is_done, told):
            return BUSY_EVERY
        self.calm_until = self._clock() + CALM_MS
        self._kept_up = 0.0  # what was erased meanwhile leaves the disk at once
        return 0.0

    def _is_done(self) -> bool:
        return self._reconciler.is_settled() and not self._tell_journal

    # --- closed -----------------------------------------------------------------------------------------------------

    def _check(self) -> float:
        try:
            if self._see(self._prober.probe()):
                self._standing.reconcile("Redis holds another dataset and is told what is known here")
                return 0.0
            self._learn_erasures()
            if time.monotonic() - self._kept_up > UPKEEP_EVERY:
                self._kept_up = time.monotonic()
                self._keep_up()
        except StoreUnavailable as error:
            self._standing.trip(str(error))
            return 0.0
        if not self._reconciler.is_settled():
            self._standing.reopen()
            return 0.0
        return CHECK_EVERY

    # --- what others erase ------------------------------------------------------------------------------------------

    def forgot(self, key: Key, at: int) -> None:
        """A request erased a subject from Redis, not before ``at`` (ms)."""
        self._forgotten.append((key, at))

    def _hear_erasures(self) -> None:
        """What another instance erased just now goes here, too: all know at once, as long as Redis is there."""
        known = [self._forgotten.popleft() for _ in range(len(self._forgotten))]
        if not self._standing.away:
            try:
                heard = self._prober.heard()
            except StoreUnavailable:  # the next look at Redis finds out more, and at what was missed meanwhile
                heard = []
            self._erasures_seen = min([self._erasures_seen, *(at for key, at in heard if key is None)])
            known += [(key, at) for key, at in heard if key is not None]
        if known:
            self._erase(dict(known))
            self._remember({self._mark_of(key): at for key, at in known})

    def _learn_erasures(self) -> None:
        """What was erased while nobody here was listening: of the last days, when Redis is back; then of the last
        seconds. Raises ``StoreUnavailable``."""
        self._hear_erasures()  # from before the look on, so that nothing is missed between the two
        found = self._prober.erasures(max(0, self._erasures_seen - CALM_MS))
        self._erasures_seen = max(found.values(), default=self._erasures_seen)
        new = {mark: at for mark, at in found.items() if self._erasures.get(mark, 0) < at}
        if not new:
            return
        known = {*self._shadow.subjects(), *(self._journal.subjects() if self._journal else ())}
        erased = {key: new[mark] for key in known if (mark := self._mark_of(key)) in new}
        self._erase(erased)
        for key, at in erased.items():
            if not self._standing.away:  # Redis may have been told of it by an instance that did not know better
                self._shadow.tell_erasure(key, at)
                self._reconciler.settle(key)
        self._remember(new)

    def _mark_of(self, key: Key) -> tuple[str, str]:
        return names.tag_of(key.subject), names.mark_of(key, self._remote.secret)

    def _remember(self, erasures: Mapping[tuple[str, str], int]) -> None:
        """Keep what has to be told to a Redis that lost its data."""
        oldest = self._clock() - ERASURES_KEPT_MS
        self._erasures = {mark: at for mark, at in {**self._erasures, **erasures}.items() if at > oldest}
        if self._journal:
            told = [[tag, mark, at] for (tag, mark), at in self._erasures.items()]
            self._journal.remember("erasures", orjson.dumps(told))

    def _erase(self, erasures: Mapping[Key, int]) -> None:
        """Forget what was said before the subject was erased. What Redis was not told yet of a subject leaves the
        journal once it was told the rest."""
        erased = False
        for key, at in erasures.items():
            self._shadow.erased(key, at)
            if self._journal and key not in self._shadow.pending:
                ours = remember(self._journal.records(key))
                left = ours.content.since(at)
                if replace(left, erased=0) != ours.content:
                    self._journal.replace(key, records_of(key, left, ours, self._shadow.next_mark))
                    erased = True
        if self._journal and erased:
            try:
                self._journal.flush()
            except JournalFailed:  # said when it began to fail; what waits is written with what comes next
                return
            self._journal.tidy()

    # --- upkeep -----------------------------------------------------------------------------------------------------

    def _keep_up(self) -> None:
        """Forget what is over. Raises ``StoreUnavailable``."""
        self._shadow.purge()
        journal = self._journal
        if journal is None:
            return
        try:
            if not journal.is_open:
                self._open_journal(journal)
            journal.remember("clock", str(self._clock.error).encode())
            self._prune(journal)
            journal.flush()
        except JournalFailed:  # said when it began to fail
            return
        journal.tidy()

    def _prune(self, journal: Journal) -> None:
        """What is over by our knowledge is forgotten, unless it lives on in Redis by another instance's doing."""
        now = self._clock()
        while over := journal.over(now - PRUNE_MARGIN_MS, PRUNED_AT_ONCE):
            for key, found in zip(over, self._remote.peek(over), strict=True):
                if found.session is None:
                    journal.forget(key)
                else:
                    journal.postpone(key, now + STILL_LIVE_MS)
            journal.flush()
            if self._stopped.is_set() or self._standing.away:
                return
