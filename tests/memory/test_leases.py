"""The keeper of leases: renewed in time, lost ones told once, and no turn holds its session for ever."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from memory import Key, StoreUnavailable
from memory.leases import LeaseKeeper
from memory.stores.base import Renewed
from memory.stores.local import LocalStore
from tests.memory.harness import HandClock, begun, claim, commit_of, turn_of
from tests.processes import wait_until

KEY = Key("test", "user123")
EVERY = 2.0


class FailingStore(LocalStore):
    """An in-process store whose renewals can be made to fail, and are counted."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock=clock)
        self.renewals: list[int] = []
        self.error: Exception | None = None

    def renew(self, leases: object, lease_ms: int) -> list[Renewed]:
        if self.error:
            raise self.error
        self.renewals.append(len(leases))  # type: ignore[arg-type]
        return super().renew(leases, lease_ms)  # type: ignore[arg-type]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def store(clock: HandClock) -> FailingStore:
    return FailingStore(clock)


@pytest.fixture
def keeper(store: FailingStore) -> Iterator[LeaseKeeper]:
    """Its own thread does not come to renew anything within a test: the tests hand in the time."""
    with closing(LeaseKeeper(store, every=EVERY)) as made:
        yield made


def hold(keeper: LeaseKeeper, store: FailingStore, key: Key = KEY) -> tuple[int, list[Renewed]]:
    fence = claim(store, key, lease_ms=keeper.lease_ms).fence
    signals: list[Renewed] = []
    keeper.hold(key, fence, signals.append)
    return fence, signals


def test_a_lease_is_renewed_when_it_is_due_and_not_before(
    keeper: LeaseKeeper, store: FailingStore, clock: HandClock
) -> None:
    _, signals = hold(keeper, store)
    now = time.monotonic()
    keeper.renew(now + EVERY / 2)
    assert store.renewals == []
    keeper.renew(now + EVERY + 0.1)
    assert store.renewals == [1]
    keeper.renew(now + EVERY + 0.2)
    assert store.renewals == [1]

    for n in range(2, 5):
        clock.at += keeper.lease_ms - 1_000
        keeper.renew(now + n * (EVERY + 0.1))
        assert store.read(KEY, 0).leased
    assert signals == []


def test_leases_of_many_turns_are_renewed_together(keeper: LeaseKeeper, store: FailingStore) -> None:
    for n in range(5):
        hold(keeper, store, Key("test", f"user{n}"))
    assert keeper.running() == 5
    keeper.renew(time.monotonic() + EVERY)
    assert store.renewals == [5]


def test_a_finished_turn_is_not_renewed(keeper: LeaseKeeper, store: FailingStore) -> None:
    fence, _ = hold(keeper, store)
    keeper.drop(KEY, fence)
    keeper.drop(KEY, fence)
    keeper.renew(time.monotonic() + EVERY)
    assert store.renewals == []
    assert keeper.running() == 0


def test_a_lost_lease_is_told_once(keeper: LeaseKeeper, store: FailingStore, clock: HandClock) -> None:
    _, signals = hold(keeper, store)
    clock.at += keeper.lease_ms + 1
    claim(store, KEY, holder="b")
    for n in range(1, 4):
        keeper.renew(time.monotonic() + n * EVERY)
    assert signals == [Renewed.LOST]
    assert keeper.running() == 0
    assert store.renewals == [1]


def test_a_turn_that_is_stored_meanwhile_is_not_told_that_it_lost(keeper: LeaseKeeper, store: FailingStore) -> None:
    claimed = claim(store, KEY)
    signals: list[Renewed] = []
    keeper.hold(KEY, claimed.fence, signals.append)
    session = begun(claimed, KEY)
    store.commit(KEY, claimed.fence, commit_of(session, turn_of(session, "t1")))
    keeper.drop(KEY, claimed.fence)
    keeper.renew(time.monotonic() + EVERY)
    assert signals == []


def test_a_request_to_stop_is_told_once_and_the_lease_goes_on(
    keeper: LeaseKeeper, store: FailingStore, clock: HandClock
) -> None:
    _, signals = hold(keeper, store)
    store.stop(KEY)
    for n in range(1, 4):
        clock.at += 3_000
        keeper.renew(time.monotonic() + n * EVERY)
    assert signals == [Renewed.STOP]
    assert store.read(KEY, 0).leased, "what was said so far is still to be stored"


def test_a_turn_of_this_process_is_asked_to_stop_at_once(keeper: LeaseKeeper, store: FailingStore) -> None:
    _, signals = hold(keeper, store)
    _, others = hold(keeper, store, Key("test", "another"))
    assert keeper.ask_to_stop(KEY)
    assert keeper.ask_to_stop(KEY)
    assert not keeper.ask_to_stop(Key("test", "nobody"))
    assert signals == [Renewed.STOP]
    assert others == []


def test_leases_that_could_not_be_renewed_are_tried_again_soon(keeper: LeaseKeeper, store: FailingStore) -> None:
    _, signals = hold(keeper, store)
    now = time.monotonic() + EVERY
    store.error = StoreUnavailable("redis")
    keeper.renew(now)
    store.error = None
    keeper.renew(now + 0.1)
    assert store.renewals == [1]
    assert signals == []


def test_a_turn_that_nobody_finishes_loses_its_lease_in_the_end(store: FailingStore, clock: HandClock) -> None:
    with closing(LeaseKeeper(store, every=EVERY, limit=300.0)) as keeper:
        _, signals = hold(keeper, store)
        now = time.monotonic()
        keeper.renew(now + 299)
        assert signals == []
        keeper.renew(now + 302)
        assert signals == [Renewed.LOST]
        assert keeper.running() == 0
        clock.at += keeper.lease_ms + 1
        claim(store, KEY, holder="b")


def test_the_thread_renews_by_itself_and_ends_when_closed(store: FailingStore) -> None:
    keeper = LeaseKeeper(store, every=0.02)
    fence, _ = hold(keeper, store)
    wait_until(lambda: len(store.renewals) >= 3, "three renewals")
    keeper.drop(KEY, fence)
    keeper.close()
    assert keeper._thread is not None
    assert not keeper._thread.is_alive()


def test_the_thread_outlives_what_a_signal_or_a_store_throws(
    store: FailingStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Else one mistake would cost every running turn of the process its lease."""
    with closing(LeaseKeeper(store, every=0.02)) as keeper:

        def throw(_: Renewed) -> None:
            raise RuntimeError("a listener's mistake")

        keeper.hold(KEY, 1, throw)
        wait_until(lambda: "a listener's mistake" in caplog.text, "the signal")
        store.error = RuntimeError("a store's mistake")
        hold(keeper, store)
        wait_until(lambda: "a store's mistake" in caplog.text, "the failing store")
        store.error = None
        before = len(store.renewals)
        wait_until(lambda: len(store.renewals) > before, "a renewal after the mistakes")


def test_without_turns_there_is_no_thread(store: FailingStore) -> None:
    keeper = LeaseKeeper(store)
    assert keeper._thread is None
    keeper.close()
