"""What every store promises of its indexes and counts: what is due, what lives, how much there is, what happened."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from memory import Key, Session, SessionStore
from memory.stores.base import Closed, Committed, Counted, Totals
from tests.memory.harness import (
    DAY_MS,
    HOUR_MS,
    World,
    begun,
    claim,
    closing_of,
    commit_of,
    end,
    live_session,
    local_world,
    noise,
    say,
    turn_of,
)

KEY = Key("test", "user123")
MINUTE_MS = 60_000


def fill(store: SessionStore, deadlines: dict[str, int], namespace: str = "test") -> None:
    for subject, deadline in deadlines.items():
        say(store, Key(namespace, subject), f"t-{subject}", deadline=deadline)


# --- what is due, what lives ----------------------------------------------------------------------------------------


def test_what_is_due_comes_earliest_first(store: SessionStore) -> None:
    now = store.now()
    fill(store, {"c": now + 30, "a": now + 10, "d": now + 40, "b": now + 20, "e": now + 50})

    assert store.due("test", now + 9, 10) == []
    assert store.due("test", now + 10, 10) == ["a"]
    assert store.due("test", now + 40, 10) == ["a", "b", "c", "d"]
    assert store.due("test", now + 40, 2) == ["a", "b"]
    assert store.due("test", now + 40, 2, skip=1) == ["b", "c"]
    assert store.due("test", now + 40, 2, skip=3) == ["d"]
    assert store.due("test", now + 40, 2, skip=4) == []
    assert store.due("other", now + DAY_MS, 10) == []


def test_what_is_due_at_once_is_told_page_by_page(store: SessionStore) -> None:
    at = store.now() + 10
    names = {f"user{n:02}" for n in range(45)}
    fill(store, dict.fromkeys(names, at))
    pages = [store.due("test", at, 10, skip=skip) for skip in range(0, 50, 10)]
    assert [len(page) for page in pages] == [10, 10, 10, 10, 5]
    assert {subject for page in pages for subject in page} == names


def test_live_sessions_come_in_pages_those_that_end_last_first(store: SessionStore) -> None:
    now = store.now()
    hour = now + HOUR_MS
    fill(store, {"b": hour + 20, "a": hour + 10, "c": hour + 30, "over": now - 1, "e": hour + 50, "d": hour + 40})
    fill(store, {"z": hour}, "other")

    assert store.live("test", 10) == [Key("test", subject) for subject in "edcba"]
    assert store.live("test", 2) == [Key("test", "e"), Key("test", "d")]
    assert store.live("test", 2, 2) == [Key("test", "c"), Key("test", "b")]
    assert store.live("test", 2, 4) == [Key("test", "a")]
    assert store.live("test", 2, 5) == []
    assert store.live("other", 10) == [Key("other", "z")]
    assert store.live("nobody", 10) == []


def test_pages_of_many_live_sessions_hold_each_once(store: SessionStore) -> None:
    hour = store.now() + HOUR_MS
    names = {f"user{n:03}" for n in range(300)}
    ends = {subject: hour + (n % 7 if n < 200 else 1_000 * n) for n, subject in enumerate(sorted(names))}
    fill(store, ends)
    found = [key.subject for offset in range(0, 350, 35) for key in store.live("test", 35, offset)]
    assert found == sorted(names, key=lambda subject: (ends[subject], subject), reverse=True)


def test_a_turn_moves_the_deadline(store: SessionStore) -> None:
    now = store.now()
    fill(store, {"a": now + 10})
    fill(store, {"a": now + HOUR_MS})
    assert store.due("test", now + HOUR_MS - 1, 10) == []
    assert store.due("test", now + HOUR_MS, 10) == ["a"]


def test_a_deadline_can_be_moved(store: SessionStore) -> None:
    now = store.now()
    fill(store, {"user123": now + 10})
    assert store.postpone(KEY, now + HOUR_MS)
    assert store.due("test", now + HOUR_MS - 1, 10) == []
    assert store.postpone(KEY, now + HOUR_MS), "moving it to where it is is no failure"
    assert store.due("test", now + HOUR_MS, 10) == ["user123"]
    assert live_session(store, KEY).turns == 1


def test_a_deadline_that_is_not_there_is_not_made_by_moving_it(store: SessionStore) -> None:
    assert not store.postpone(KEY, store.now() + HOUR_MS)
    assert not store.postpone(KEY, None)
    assert store.due("test", store.now() + DAY_MS, 10) == []


def test_the_entry_of_a_session_that_is_there_is_not_taken_out(store: SessionStore) -> None:
    """A sweep that saw the session gone may meet the next one."""
    fill(store, {"user123": store.now() + HOUR_MS})
    assert not store.postpone(KEY, None)
    assert store.live("test", 10) == [KEY]


def test_many_are_looked_at_together(store: SessionStore) -> None:
    fill(store, {"a": store.now() + HOUR_MS, "b": store.now() + HOUR_MS})
    claim(store, Key("test", "b"))
    found = store.peek([Key("test", subject) for subject in ("a", "nobody", "b", "a")])
    assert [each.session and each.session.key.subject for each in found] == ["a", None, "b", "a"]
    assert [each.leased for each in found] == [False, False, True, False]
    assert all(each.turns == () for each in found)
    assert found[0].session == live_session(store, Key("test", "a"))
    assert store.peek([]) == []


# --- totals ---------------------------------------------------------------------------------------------------------


def test_totals_count_what_is_there(world: World) -> None:
    store = world.store
    now = store.now()
    assert store.totals("test") == Totals()
    fill(store, {f"user{n}": now + HOUR_MS for n in range(5)})
    fill(store, {f"user{n}": now + HOUR_MS for n in range(3)})
    fill(store, {"stranger": now + HOUR_MS}, "other")
    say(store, Key("test", "user0"), "more", history_until=now + DAY_MS)
    end(store, live_session(store, Key("test", "user1")))
    assert store.totals("test") == Totals(live=4, turns=7, histories=1, ended=1)
    assert store.totals("other") == Totals(live=1, turns=1)

    world.advance(HOUR_MS + MINUTE_MS)
    assert store.totals("test").live == 0, "what is over is not live, swept or not"
    world.advance(DAY_MS)
    assert store.totals("test") == Totals(live=0, turns=7, histories=0, ended=0)


def test_trimming_drops_what_is_out_of_date_and_no_more(world: World) -> None:
    store = world.store
    until = store.now() + 2 * HOUR_MS
    say(store, Key("test", "old"), "t1", history_until=until)
    say(store, Key("test", "new"), "t2", history_until=until + HOUR_MS)
    end(store, live_session(store, Key("test", "old")), history_until=until)
    world.advance(2 * HOUR_MS)
    store.trim("test", store.now())
    assert store.totals("test").histories == 1
    assert len(store.read(Key("test", "new"), 10).turns) == 1
    assert len(store.ended(Key("test", "old"))) == 1

    world.advance(DAY_MS)
    store.trim("test", store.now())
    totals = store.totals("test")
    assert (totals.histories, totals.ended) == (0, 0)
    assert live_session(store, Key("test", "new")).turns == 1, "a session's end is for the sweep to tell"


def test_an_in_process_store_gives_back_what_is_trimmed() -> None:
    """In Redis the keys expire by themselves; here there is only the sweep."""
    world = local_world()
    store = world.store
    empty = store.usage()["used_bytes"]
    for n in range(10):
        say(store, Key("test", f"user{n}"), "key-1", noise(1_000), history_until=store.now() + HOUR_MS)
        end(store, live_session(store, Key("test", f"user{n}")), history_until=store.now() + HOUR_MS)
    filled = store.usage()["used_bytes"]
    assert filled > empty + 20_000
    world.advance(HOUR_MS)
    store.trim("test", store.now())
    assert store.usage()["used_bytes"] <= filled - 20_000
    world.advance(DAY_MS)
    store.trim("test", store.now())
    assert store.usage()["used_bytes"] == empty


# --- counts ---------------------------------------------------------------------------------------------------------


def test_counts_add_up_by_name_and_minute(store: SessionStore) -> None:
    minute = store.now() // MINUTE_MS
    at = minute * MINUTE_MS
    store.count(Counted(at, {"test.errors": 1, "other.errors": 2}))
    store.count(Counted(at + MINUTE_MS - 1, {"test.errors": 3}))
    store.count(Counted(at + MINUTE_MS, {"test.errors": 5}))
    store.count(Counted(at - MINUTE_MS, {"test.live_turns": -4}))

    assert store.counters() == {"test.errors": 9, "other.errors": 2, "test.live_turns": -4}
    assert store.series(range(minute - 1, minute + 3)) == {
        minute - 1: {"test.live_turns": -4},
        minute: {"test.errors": 4, "other.errors": 2},
        minute + 1: {"test.errors": 5},
    }
    assert store.series([minute + 1]) == {minute + 1: {"test.errors": 5}}
    assert store.series([]) == {}


def test_a_turn_is_counted_in_its_minute(store: SessionStore) -> None:
    at = store.now() + 3 * MINUTE_MS
    say(store, KEY, "t1", counted=Counted(at, {"test.turns": 1}))
    say(store, Key("test", "another"), "t2", counted=Counted(at, {"test.turns": 1}))
    assert store.series([at // MINUTE_MS]) == {at // MINUTE_MS: {"test.turns": 2}}


def test_a_long_series_is_read(store: SessionStore) -> None:
    minute = store.now() // MINUTE_MS
    for n in range(0, 250, 50):
        store.count(Counted((minute - n) * MINUTE_MS, {"test.turns": n + 1}))
    found = store.series(range(minute - 1_439, minute + 1))
    assert found == {minute - n: {"test.turns": n + 1} for n in range(0, 250, 50)}


def test_counts_are_exact_under_eight_threads(store: SessionStore) -> None:
    at = store.now()

    def work(n: int) -> None:
        for m in range(10):
            key = Key("test", f"user{n}-{m % 3}")
            claimed = claim(store, key)
            session = begun(claimed, key)
            counted = Counted(at, {"test.turns": 1, "test.ms.4": 1})
            commit = commit_of(session, turn_of(session, f"t{m}"), counted=counted)
            assert store.commit(key, claimed.fence, commit) is Committed.STORED
            assert store.commit(key, claimed.fence, commit) is Committed.STORED
            store.count(Counted(at, {"test.errors": 1}))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert store.counters() == {"test.turns": 80, "test.ms.4": 80, "test.errors": 80}
    assert store.series([at // MINUTE_MS]) == {at // MINUTE_MS: store.counters()}
    assert store.totals("test").live == 24


# --- events ---------------------------------------------------------------------------------------------------------


def test_events_reach_whoever_listens_in_every_instance(world: World) -> None:
    here, there = world.store.listen(), world.again().listen()
    try:
        say(world.store, KEY, "t1", counted=Counted(world.now, {}, [{"type": "a", "n": 1}, {"type": "ü", "n": 2}]))
        world.store.count(Counted(world.now, {"test.errors": 1}, [{"type": "c"}]))
        for listener in (here, there):
            assert [listener.get(5.0) for _ in range(3)] == [
                {"type": "a", "n": 1},
                {"type": "ü", "n": 2},
                {"type": "c"},
            ]
    finally:
        here.close()
        there.close()


def test_only_what_was_written_is_told(store: SessionStore) -> None:
    say(store, KEY, "t1")
    listener = store.listen()
    session = live_session(store, KEY)

    def told(what: str) -> Counted:
        return Counted(store.now(), {}, [{"type": what}])

    stale = commit_of(session, turn_of(session, "t2"), counted=told("stale"))
    assert store.commit(KEY, 1, stale) is Committed.STALE
    gone = Session(KEY, session.started + 1, session.last_activity, 1)
    assert end_with(store, gone, told("gone")) is Closed.GONE
    assert end_with(store, session, told("closed")) is Closed.CLOSED
    try:
        assert listener.get(5.0) == {"type": "closed"}
        assert listener.get(0.0) is None
    finally:
        listener.close()


def end_with(store: SessionStore, session: Session, counted: Counted) -> Closed:
    return store.close(session, closing_of(session), counted)


def test_a_listener_hears_nothing_from_before_and_nothing_after_it_left(world: World) -> None:
    store = world.store
    store.count(Counted(world.now, {}, [{"type": "before"}]))
    first, second = store.listen(), store.listen()
    store.count(Counted(world.now, {}, [{"type": "first"}]))
    assert first.get(5.0) == second.get(5.0) == {"type": "first"}
    first.close()
    first.close()
    store.count(Counted(world.now, {}, [{"type": "second"}]))
    assert second.get(5.0) == {"type": "second"}
    assert first.get(0.0) is None
    second.close()
    late = store.listen()
    store.count(Counted(world.now, {}, [{"type": "third"}]))
    assert late.get(5.0) == {"type": "third"}
    late.close()


def test_whoever_reads_too_slowly_misses_the_oldest(store: SessionStore) -> None:
    listener = store.listen()
    try:
        for start in range(0, 1_100, 100):
            store.count(Counted(store.now(), {}, [{"n": n} for n in range(start, start + 100)]))
        store.count(Counted(store.now(), {}, [{"n": "last"}]))
        heard: list[object] = []
        while not heard or heard[-1] != "last":
            if event := listener.get(5.0):
                heard.append(event["n"])
        assert heard[:-1] == list(range(1_101 - len(heard), 1_100))
        assert len(heard) >= 1_000
    finally:
        listener.close()


def test_waiting_for_an_event_ends_with_its_time_or_its_event(store: SessionStore) -> None:
    listener = store.listen()
    try:
        assert listener.get(0.01) is None
        heard: list[object] = []
        waiting = threading.Thread(target=lambda: heard.append(listener.get(10.0)))
        waiting.start()
        store.count(Counted(store.now(), {}, [{"type": "a"}]))
        waiting.join(10.0)
        assert heard == [{"type": "a"}]
    finally:
        listener.close()
