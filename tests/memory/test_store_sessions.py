"""What every store promises of a session: its end, its record, its attributes, and that it can be forgotten."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from memory import EndedSession, Key, SessionStore
from memory.stores.base import LIVE_TURNS, Claimed, Closed, Committed, Counted, Known, Renewed
from tests.memory.harness import (
    DAY_MS,
    HOUR_MS,
    LEASE_MS,
    World,
    begun,
    claim,
    closing_of,
    commit_of,
    end,
    live_session,
    say,
    texts,
    turn_of,
)

KEY = Key("test", "user123")


# --- the end --------------------------------------------------------------------------------------------------------


def test_an_end_deletes_the_session_and_leaves_its_record(world: World) -> None:
    store = world.store
    say(store, KEY, "key-1")
    say(store, KEY, "t2")
    session = live_session(store, KEY)
    assert store.put_attributes(KEY, session.started, 0, {"cart": []})

    closing = closing_of(session, "inactivity", session.last_activity + 900)
    counted = Counted(store.now(), {"test.ended.inactivity": 1, f"test.{LIVE_TURNS}": -2})
    assert store.close(session, closing, counted) is Closed.CLOSED

    found = store.read(KEY, 10)
    assert (found.session, found.turns, found.leased) == (None, (), False)
    assert store.ended(KEY) == [EndedSession("user123", session.started, session.last_activity + 900, 2, "inactivity")]
    assert store.counters() == {f"test.{LIVE_TURNS}": 0, "test.ended.inactivity": 1}
    assert store.live("test", 10) == []
    assert store.due("test", store.now() + DAY_MS, 10) == []
    assert isinstance(store.claim(KEY, holder="a", lease_ms=LEASE_MS, turns=1, turn_id="key-1"), Claimed)


def test_a_session_that_ended_is_gone_for_the_next_who_would_end_it(store: SessionStore) -> None:
    say(store, KEY, "t1")
    session = live_session(store, KEY)
    assert end(store, session) is Closed.CLOSED
    counters = store.counters()
    assert end(store, session) is Closed.GONE
    assert end(store, session, force=True) is Closed.GONE
    assert store.counters() == counters
    assert len(store.ended(KEY)) == 1


def test_nobody_ends_a_later_session_in_place_of_an_earlier_one(world: World) -> None:
    say(world.store, KEY, "t1")
    earlier = live_session(world.store, KEY)
    end(world.store, earlier)
    world.advance(10)
    say(world.store, KEY, "t2")
    assert end(world.store, earlier, force=True) is Closed.GONE
    assert live_session(world.store, KEY).turns == 1


def test_every_session_has_a_start_of_its_own(store: SessionStore) -> None:
    """Though one may begin and end within a millisecond: it is a part of the session's id."""
    started = []
    for n in range(12):
        claimed = claim(store, KEY)
        session = begun(claimed, KEY)
        turn = turn_of(session, f"t{n}", at=claimed.found.now)
        closing = closing_of(replace(session, turns=1))
        assert store.commit(KEY, claimed.fence, commit_of(session, turn, closing=closing)) is Committed.STORED
        started.append(session.started)
    assert started == sorted(set(started))
    assert [record.started for record in store.ended(KEY)] == started[::-1]
    assert store.now() - 60_000 < started[0] <= started[-1] <= store.now() + 12


def test_a_session_that_had_another_turn_is_not_ended(store: SessionStore) -> None:
    say(store, KEY, "t1")
    seen = live_session(store, KEY)
    say(store, KEY, "t2")
    before, counters = store.read(KEY, 10), store.counters()
    assert end(store, seen) is Closed.CHANGED
    assert end(store, seen, force=True) is Closed.CHANGED
    assert replace(store.read(KEY, 10), now=before.now) == before
    assert store.counters() == counters
    assert store.ended(KEY) == []


def test_a_running_turn_keeps_its_session(store: SessionStore) -> None:
    say(store, KEY, "t1")
    running = claim(store, KEY)
    session = live_session(store, KEY)
    assert end(store, session) is Closed.LEASED
    assert end(store, session, fence=running.fence + 1) is Closed.LEASED
    assert store.commit(KEY, running.fence, commit_of(session, turn_of(session, "t2"))) is Committed.STORED
    assert texts(store.read(KEY, 10).turns) == ["hello", "hello"]


def test_force_ends_a_session_whose_turn_is_running_and_that_turn_is_lost(store: SessionStore) -> None:
    say(store, KEY, "t1")
    running = claim(store, KEY)
    session = live_session(store, KEY)
    assert end(store, session, force=True) is Closed.CLOSED

    assert not store.read(KEY, 0).leased
    assert store.renew([(KEY, running.fence)], LEASE_MS) == [Renewed.LOST]
    assert store.commit(KEY, running.fence, commit_of(session, turn_of(session, "t2"))) is Committed.STALE
    assert not store.release(KEY, running.fence)
    assert store.read(KEY, 10).turns == ()
    claim(store, KEY)


def test_whoever_holds_the_lease_can_end_the_session_and_keeps_it(store: SessionStore) -> None:
    """That is how a message to a session that is over begins the next one."""
    say(store, KEY, "t1")
    ours = claim(store, KEY)
    assert end(store, live_session(store, KEY), "inactivity", fence=ours.fence) is Closed.CLOSED

    found = store.read(KEY, 10)
    assert (found.session, found.turns, found.leased) == (None, (), True)
    assert store.renew([(KEY, ours.fence)], LEASE_MS) == [Renewed.HELD]
    session = begun(replace(ours, found=found), KEY)
    assert store.commit(KEY, ours.fence, commit_of(session, turn_of(session, "t2", "again"))) is Committed.STORED
    assert texts(store.read(KEY, 10).turns) == ["again"]
    assert live_session(store, KEY).turns == 1


def test_a_lease_kept_over_the_end_can_be_released(world: World) -> None:
    store = world.store
    say(store, KEY, "t1")
    ours = claim(store, KEY)
    end(store, live_session(store, KEY), fence=ours.fence)
    assert store.release(KEY, ours.fence)
    assert store.read(KEY, 10).session is None
    assert not store.read(KEY, 0).leased
    assert claim(store, KEY, holder="b").fence > ours.fence


def test_a_session_whose_lease_ran_out_can_be_ended(world: World) -> None:
    say(world.store, KEY, "t1")
    old = claim(world.store, KEY)
    session = live_session(world.store, KEY)
    world.advance(LEASE_MS + 1)
    assert end(world.store, session) is Closed.CLOSED
    assert world.store.commit(KEY, old.fence, commit_of(session, turn_of(session, "t2"))) is Committed.STALE


def test_turns_can_outlive_their_session(store: SessionStore) -> None:
    until = store.now() + HOUR_MS
    say(store, KEY, "key-1", "remember me", history_until=until)
    end(store, live_session(store, KEY), history_until=until)

    found = store.read(KEY, 10)
    assert found.session is None
    assert texts(found.turns) == ["remember me"]
    assert isinstance(store.claim(KEY, holder="a", lease_ms=LEASE_MS, turns=1, turn_id="key-1"), Known)
    claimed = claim(store, KEY)
    assert claimed.found.session is None
    assert texts(claimed.found.turns) == ["remember me"]


def test_turns_that_could_have_outlived_their_session_can_end_with_it(store: SessionStore) -> None:
    say(store, KEY, "key-1", "forget me", history_until=store.now() + HOUR_MS)
    assert store.totals("test").histories == 1
    end(store, live_session(store, KEY))
    assert store.read(KEY, 10).turns == ()
    assert store.totals("test").histories == 0


def test_attributes_end_with_the_session(store: SessionStore) -> None:
    say(store, KEY, "t1")
    session = live_session(store, KEY)
    store.put_attributes(KEY, session.started, 0, {"a": 1})
    end(store, live_session(store, KEY))
    say(store, KEY, "t2")
    assert live_session(store, KEY).attributes == {}
    assert live_session(store, KEY).revision == 0


def test_a_turn_can_use_up_its_session_in_the_same_step(store: SessionStore) -> None:
    say(store, KEY, "t1")
    claimed = claim(store, KEY)
    session = begun(claimed, KEY)
    turn = turn_of(session, "t2", at=claimed.found.now)
    after = replace(session, turns=2, last_activity=turn.ended)
    deltas = {f"test.{LIVE_TURNS}": -1, "test.ended.conversation_limit": 1}
    commit = commit_of(
        session,
        turn,
        attributes={"last": "words"},
        closing=closing_of(after, "conversation_limit"),
        counted=Counted(turn.ended, deltas),
    )
    assert store.commit(KEY, claimed.fence, commit) is Committed.STORED

    found = store.read(KEY, 10)
    assert (found.session, found.turns, found.leased) == (None, (), False)
    assert store.ended(KEY) == [EndedSession("user123", session.started, turn.ended, 2, "conversation_limit")]
    assert store.counters() == {f"test.{LIVE_TURNS}": 0, "test.ended.conversation_limit": 1}
    assert store.totals("test").live == 0
    claimed = claim(store, KEY, holder="b")
    assert claimed.found.session is None
    assert claimed.found.turns == ()


def test_of_many_who_end_a_session_one_does(store: SessionStore) -> None:
    say(store, KEY, "t1")
    session = live_session(store, KEY)
    start = threading.Barrier(8)

    def one(_: int) -> Closed:
        start.wait()
        return end(store, session, force=True)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(8)))
    assert sorted(answers) == [Closed.CLOSED] + [Closed.GONE] * 7
    assert store.counters() == {f"test.{LIVE_TURNS}": 0, "test.ended.manual": 1}
    assert len(store.ended(KEY)) == 1


# --- records --------------------------------------------------------------------------------------------------------


def test_the_newest_twenty_records_are_kept_newest_first(world: World) -> None:
    store = world.store
    started = []
    for n in range(23):
        say(store, KEY, f"t{n}")
        started.append(live_session(store, KEY).started)
        end(store, live_session(store, KEY), f"reason {n}")
        world.advance(10)
    records = store.ended(KEY)
    assert [record.started for record in records] == started[:2:-1]
    assert [record.reason for record in records] == [f"reason {n}" for n in range(22, 2, -1)]


def test_records_are_told_for_a_day(world: World) -> None:
    store = world.store
    say(store, KEY, "t1")
    end(store, live_session(store, KEY), "first")
    world.advance(DAY_MS - 60_000)
    say(store, KEY, "t2")
    end(store, live_session(store, KEY), "second")
    assert [record.reason for record in store.ended(KEY)] == ["second", "first"]
    world.advance(60_001)
    assert [record.reason for record in store.ended(KEY)] == ["second"]
    world.advance(DAY_MS)
    assert store.ended(KEY) == []


def test_a_record_holds_any_reason(store: SessionStore) -> None:
    say(store, KEY, "t1")
    end(store, live_session(store, KEY), 'Ünïcødé "quoted" 🌦')
    assert [record.reason for record in store.ended(KEY)] == ['Ünïcødé "quoted" 🌦']


def test_who_never_ended_a_session_has_no_records(store: SessionStore) -> None:
    assert store.ended(KEY) == []
    say(store, KEY, "t1")
    assert store.ended(KEY) == []


# --- attributes -----------------------------------------------------------------------------------------------------


def test_attributes_are_compared_and_set(store: SessionStore) -> None:
    say(store, KEY, "t1")
    started = live_session(store, KEY).started
    assert store.put_attributes(KEY, started, 0, {"user": {"type": "phase1", "ümlaut": [1, None, 2.5]}})
    assert not store.put_attributes(KEY, started, 0, {"lost": True})
    assert not store.put_attributes(KEY, started, 2, {"lost": True})
    assert not store.put_attributes(KEY, started + 1, 1, {"lost": True})
    assert store.put_attributes(KEY, started, 1, {})
    session = live_session(store, KEY)
    assert (session.attributes, session.revision) == ({}, 2)


def test_without_a_session_there_are_no_attributes(store: SessionStore) -> None:
    assert not store.put_attributes(KEY, 0, 0, {"a": 1})
    claimed = claim(store, KEY)
    assert not store.put_attributes(KEY, claimed.found.now, 0, {"a": 1})
    assert store.read(KEY, 0).session is None


def test_attributes_stay_over_turns_and_a_turn_can_set_them(store: SessionStore) -> None:
    say(store, KEY, "t1", attributes={"n": 1})
    say(store, KEY, "t2")
    assert (live_session(store, KEY).attributes, live_session(store, KEY).revision) == ({"n": 1}, 1)
    say(store, KEY, "t3", attributes={"n": 2})
    assert (live_session(store, KEY).attributes, live_session(store, KEY).revision) == ({"n": 2}, 2)
    assert claim(store, KEY).found.session == live_session(store, KEY)


def test_a_turn_that_edited_older_attributes_conflicts_and_writes_nothing(store: SessionStore) -> None:
    say(store, KEY, "t1", attributes={"n": 1})
    claimed = claim(store, KEY)
    session = begun(claimed, KEY)
    assert store.put_attributes(KEY, session.started, 1, {"n": 10})
    before, counters = store.read(KEY, 10), store.counters()
    turn = turn_of(session, "t2")

    mine = commit_of(session, turn, attributes={"n": 2})
    assert store.commit(KEY, claimed.fence, mine) is Committed.CONFLICT

    assert replace(store.read(KEY, 10), now=before.now) == before
    assert store.counters() == counters
    again = commit_of(replace(session, revision=2), turn, attributes={"n": 11})
    assert store.commit(KEY, claimed.fence, again) is Committed.STORED
    assert live_session(store, KEY).attributes == {"n": 11}


def test_a_turn_without_changes_leaves_those_of_another_alone(store: SessionStore) -> None:
    """And their revision, or a third writer with the older one would overwrite them."""
    say(store, KEY, "t1", attributes={"n": 1})
    claimed = claim(store, KEY)
    session = begun(claimed, KEY)
    assert store.put_attributes(KEY, session.started, 1, {"n": 10})
    assert store.commit(KEY, claimed.fence, commit_of(session, turn_of(session, "t2"))) is Committed.STORED

    assert live_session(store, KEY).attributes == {"n": 10}
    assert not store.put_attributes(KEY, session.started, 1, {"n": 99})
    assert store.put_attributes(KEY, session.started, 2, {"n": 11})


def test_attributes_change_while_a_turn_runs_and_do_not_touch_its_lease(store: SessionStore) -> None:
    say(store, KEY, "t1")
    running = claim(store, KEY)
    session = live_session(store, KEY)
    assert store.put_attributes(KEY, session.started, 0, {"a": 1})
    assert store.read(KEY, 0).leased
    assert store.renew([(KEY, running.fence)], LEASE_MS) == [Renewed.HELD]


def test_of_many_who_change_the_same_revision_one_does(store: SessionStore) -> None:
    say(store, KEY, "t1")
    started = live_session(store, KEY).started
    start = threading.Barrier(8)

    def one(n: int) -> bool:
        start.wait()
        return store.put_attributes(KEY, started, 0, {"by": n})

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(one, range(8)))
    assert won.count(True) == 1
    assert live_session(store, KEY).attributes == {"by": won.index(True)}


# --- forgetting -----------------------------------------------------------------------------------------------------


def everything(store: SessionStore, key: Key) -> None:
    """A subject with all that a store can hold of it."""
    until = store.now() + HOUR_MS
    say(store, key, "key-0", history_until=until)
    claimed = claim(store, key)
    session = begun(claimed, key)
    turn = turn_of(session, "key-1", "the last", at=claimed.found.now)
    closing = closing_of(session, history_until=until)
    store.commit(key, claimed.fence, commit_of(session, turn, history_until=until, closing=closing))
    say(store, key, "key-2", attributes={"a": 1}, history_until=until)
    claim(store, key)


def test_forgetting_leaves_nothing(world: World) -> None:
    store = world.store
    before = world.all_keys()
    everything(store, KEY)

    assert store.forget(KEY)

    found = store.read(KEY, 100)
    assert (found.session, found.turns, found.leased) == (None, (), False)
    assert store.ended(KEY) == []
    assert store.live("test", 10) == []
    assert store.due("test", store.now() + 10 * DAY_MS, 10) == []
    totals = store.totals("test")
    assert (totals.live, totals.histories, totals.ended) == (0, 0, 0)
    assert store.bytes_of([KEY]) == 0
    for turn_id in ("key-0", "key-1", "key-2"):
        claimed = store.claim(KEY, holder="a", lease_ms=LEASE_MS, turns=1, turn_id=turn_id)
        assert isinstance(claimed, Claimed)
        store.release(KEY, claimed.fence)
    left = world.all_keys() - before
    assert not any("user123" in key for key in left)
    assert not any("user123" in content for content in world.contents(left))


def test_forgetting_takes_the_turns_of_a_live_session_from_the_count(store: SessionStore) -> None:
    for n in range(3):
        say(store, KEY, f"t{n}")
        say(store, Key("test", "other"), f"o{n}")
    store.forget(KEY)
    assert store.totals("test").turns == 3


def test_counting_anew_while_turns_are_said_is_exact(store: SessionStore) -> None:
    subjects = [Key("test", f"user{n}") for n in range(10)]
    say(store, Key("other", "user0"), "else")
    with ThreadPoolExecutor(1) as pool:
        said = [pool.submit(say, store, key, f"t{n}") for n in range(2) for key in subjects]
        while not all(each.done() for each in said):
            store.recount("test")
    assert [each.exception() for each in said] == [None] * 20
    store.recount("test")
    assert store.totals("test").turns == 20
    assert store.totals("other").turns == 1


@pytest.mark.parametrize("what", ["a session without turns", "a lease", "a record", "turns that outlived it"])
def test_forgetting_says_whether_anything_was_there(store: SessionStore, what: str) -> None:
    assert not store.forget(KEY)
    until = store.now() + HOUR_MS
    if what == "a lease":
        claim(store, KEY)
    elif what == "a session without turns":
        claimed = claim(store, KEY)
        store.commit(KEY, claimed.fence, commit_of(begun(claimed, KEY), None))
    else:
        say(store, KEY, "t1", history_until=until)
        end(store, live_session(store, KEY), history_until=None if what == "a record" else until)
    assert store.forget(KEY)
    assert not store.forget(KEY)
    assert store.totals("test").turns == 0


def test_a_forgotten_subject_can_come_back(store: SessionStore) -> None:
    everything(store, KEY)
    store.forget(KEY)
    say(store, KEY, "key-1", "a new life")
    assert texts(store.read(KEY, 10).turns) == ["a new life"]
    assert live_session(store, KEY).turns == 1
    assert live_session(store, KEY).attributes == {}


def test_forgetting_one_forgets_no_other(store: SessionStore) -> None:
    everything(store, KEY)
    everything(store, Key("test", "user1234"))
    store.forget(KEY)
    other = Key("test", "user1234")
    assert texts(store.read(other, 10).turns)[-1] == "hello"
    assert len(store.ended(other)) == 1
    assert store.read(other, 0).leased
