"""What every store promises of a turn: claim, renew, commit, release, stop, read.

``test_store_sessions.py`` and ``test_store_indexes.py`` are the rest of the contract. A new store joins by one more
name in ``conftest.py``.
"""

from __future__ import annotations

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from memory import Key, Message, SessionStore
from memory.codec import encode_turn
from memory.stores.base import (
    LIVE_TURNS,
    Busy,
    Claimed,
    Committed,
    Counted,
    Durability,
    Known,
    Renewed,
)
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

ODD_SUBJECTS = [
    "Zoë Ünïcødé 北京 🌦",
    "a:session",
    "user123:turns",
    "{user123}",
    "}{",
    "x" * 256,
    "🌦" * 256,
    "with spaces  and\ttabs",
    "*",
    "user[0-9]?",
    "two\nlines\r\n",
    "%7Buser%7D",
    "../../etc/passwd",
    "null\x00byte",
    '"quoted\\"',
    "-1",
    " ",
    "\U0010ffff\U0010ffff",
]


# --- a turn ---------------------------------------------------------------------------------------------------------


def test_a_subject_nobody_spoke_of_has_nothing(world: World) -> None:
    found = world.store.read(KEY, 10)

    assert (found.session, found.turns, found.leased) == (None, (), False)
    assert found.partial == (world.name == "outage")  # a Redis that is away may well know more
    assert abs(found.now - world.now) < 5_000


def test_a_first_turn_begins_the_session(world: World) -> None:
    store = world.store
    claimed = claim(store, KEY)
    assert claimed.found.session is None
    session = begun(claimed, KEY, owner="alice")
    turn = turn_of(session, "t1")

    assert store.commit(KEY, claimed.fence, commit_of(session, turn)) is Committed.STORED

    found = store.read(KEY, 10)
    assert found.session is not None
    assert found.session == replace(
        session, turns=1, last_activity=turn.ended, owner="alice", stored_bytes=found.session.stored_bytes
    )
    assert found.session.stored_bytes > len("helloHELLO")
    assert found.turns == (turn,)
    assert not found.leased


def test_turns_keep_their_order_and_come_back_whole(store: SessionStore) -> None:
    tools = (
        Message("human", "Weather in Zürich?"),
        Message("ai", "", {"tool_calls": [{"name": "weather", "args": {"city": "Zürich"}, "id": "c1"}]}),
        Message("tool", '{"temp": 9}', {"tool_call_id": "c1"}),
        Message("ai", [{"type": "text", "text": "Cloudy, 9 °C"}], {"id": "m2"}),
    )
    said = []
    for n in range(7):
        claimed = claim(store, KEY)
        session = begun(claimed, KEY)
        turn = replace(
            turn_of(session, f"t{n}", at=claimed.found.now), messages=tools, data={"n": n}, interrupted=n == 3
        )
        assert store.commit(KEY, claimed.fence, commit_of(session, turn)) is Committed.STORED
        said.append(turn)

    assert store.read(KEY, 100).turns == tuple(said)
    assert store.read(KEY, 3).turns == tuple(said[-3:])
    assert store.read(KEY, 0).turns == ()
    assert claim(store, KEY, turns=2).found.turns == tuple(said[-2:])
    assert live_session(store, KEY).turns == 7


def test_a_claim_can_ask_for_no_turns(store: SessionStore) -> None:
    say(store, KEY, "t1")
    found = claim(store, KEY, turns=0).found
    assert found.turns == ()
    assert found.session is not None


def test_a_turn_of_half_a_megabyte_is_kept(store: SessionStore) -> None:
    text = "🌦" + noise(700_000)
    say(store, KEY, "big", text)
    found = store.read(KEY, 1)
    assert found.turns[0].message == text
    assert found.session is not None
    assert found.session.stored_bytes > 300_000


def test_a_session_can_be_opened_and_touched_without_a_turn(world: World) -> None:
    store = world.store
    claimed = claim(store, KEY)
    session = begun(claimed, KEY)
    assert store.commit(KEY, claimed.fence, commit_of(session, None)) is Committed.STORED
    assert live_session(store, KEY) == session

    say(store, KEY, "t1")
    world.advance(1_000)
    claimed = claim(store, KEY)
    touched = replace(begun(claimed, KEY), last_activity=claimed.found.now)
    assert store.commit(KEY, claimed.fence, commit_of(touched, None)) is Committed.STORED

    found = store.read(KEY, 10)
    assert found.session == touched
    assert texts(found.turns) == ["hello"]


def test_subjects_and_namespaces_are_strangers(store: SessionStore) -> None:
    others = [Key("test", "user12"), Key("test", "user1234"), Key("test2", "user123"), Key("tes", "tuser123")]
    say(store, KEY, "t1", "mine")
    assert all(found.session is None for found in store.peek(others))
    for n, other in enumerate(others):
        say(store, other, f"o{n}", f"other {n}")
    assert texts(store.read(KEY, 10).turns) == ["mine"]
    assert store.forget(others[0])
    assert texts(store.read(KEY, 10).turns) == ["mine"]
    assert texts(store.read(others[1], 10).turns) == ["other 1"]


@pytest.mark.parametrize("subject", ODD_SUBJECTS)
def test_an_odd_subject_can_not_step_out_of_its_place(world: World, subject: str) -> None:
    store, key = world.store, Key("test", subject)
    say(store, KEY, "t1", "mine")
    say(store, key, "o1", "theirs")
    session = live_session(store, key)
    assert session.key == key
    assert store.put_attributes(key, session.started, session.revision, {"odd": subject})

    later = store.now() + DAY_MS
    assert sorted(store.due("test", later, 10)) == sorted([subject, "user123"])
    assert {found.subject for found in store.live("test", 10)} == {subject, "user123"}
    assert live_session(store, key).attributes == {"odd": subject}
    assert end(store, live_session(store, key)).value == "closed"
    assert [record.subject for record in store.ended(key)] == [subject]
    assert store.forget(key)

    assert store.read(key, 10).session is None
    assert texts(store.read(KEY, 10).turns) == ["mine"]
    assert store.ended(KEY) == []
    assert store.due("test", later, 10) == ["user123"]


def noise(size: int) -> str:
    """Text that no codec can make much smaller: hexadecimal digits by chance, half a byte of meaning each."""
    return secrets.token_hex(-(-size // 2))[:size]


def size_of(store: SessionStore) -> int:
    """What the stored turns of KEY are in bytes."""
    return sum(len(encode_turn(turn)) for turn in store.read(KEY, 100).turns)


# --- what is kept ---------------------------------------------------------------------------------------------------


def test_only_the_newest_turns_are_kept(store: SessionStore) -> None:
    for n in range(9):
        say(store, KEY, f"t{n}", f"message {n}", keep_turns=4)
    found = store.read(KEY, 100)
    assert texts(found.turns) == [f"message {n}" for n in range(5, 9)]
    assert found.session is not None
    assert found.session.turns == 9


def test_the_bytes_of_turns_are_bounded_and_counted(store: SessionStore) -> None:
    for n in range(12):
        say(store, KEY, f"t{n:02}", f"{n:02}" + noise(200), max_bytes=2_000)
        assert live_session(store, KEY).stored_bytes == size_of(store) <= 2_000
    kept = texts(store.read(KEY, 100).turns)
    assert 1 < len(kept) < 12
    assert [text[:2] for text in kept] == [f"{n:02}" for n in range(12 - len(kept), 12)]


def test_a_turn_larger_than_all_that_is_kept_stands_alone(store: SessionStore) -> None:
    say(store, KEY, "t1", "small", max_bytes=500)
    large = noise(2_000)
    say(store, KEY, "t2", large, max_bytes=500)
    assert texts(store.read(KEY, 10).turns) == [large]
    say(store, KEY, "t3", "small again", max_bytes=500)
    assert texts(store.read(KEY, 10).turns) == ["small again"]


def test_a_smaller_limit_takes_hold_with_the_next_turn(store: SessionStore) -> None:
    for n in range(10):
        say(store, KEY, f"t{n}", f"message {n}")
    say(store, KEY, "t10", "message 10", keep_turns=2)
    assert texts(store.read(KEY, 100).turns) == ["message 9", "message 10"]


def test_turns_that_are_past_their_time_are_forgotten(store: SessionStore) -> None:
    say(store, KEY, "key-1", "long ago")
    say(store, KEY, "t2", "today", forget_turns=True)
    found = store.read(KEY, 10)
    assert texts(found.turns) == ["today"]
    assert found.session is not None
    assert found.session.turns == 2
    assert isinstance(store.claim(KEY, holder="a", lease_ms=LEASE_MS, turns=1, turn_id="key-1"), Claimed)


def test_bytes_are_counted_anew_when_a_session_begins_with_turns_of_an_earlier_one(store: SessionStore) -> None:
    """Else the turns that outlived their session would not count against what may be kept."""
    until = store.now() + HOUR_MS
    for n in range(5):
        say(store, KEY, f"a{n}", "x" * 100, history_until=until)
    before = size_of(store)
    assert end(store, live_session(store, KEY), history_until=until).value == "closed"

    say(store, KEY, "b0", "x" * 100, history_until=until)
    assert live_session(store, KEY).stored_bytes == size_of(store) > before
    for n in range(1, 20):
        say(store, KEY, f"b{n}", "x" * 100, history_until=until, max_bytes=before)
        assert live_session(store, KEY).stored_bytes == size_of(store) <= before
    assert len(store.read(KEY, 100).turns) >= 4


# --- leases ---------------------------------------------------------------------------------------------------------


def test_while_a_turn_runs_another_must_wait(store: SessionStore) -> None:
    claim(store, KEY)
    busy = store.claim(KEY, holder="b", lease_ms=LEASE_MS, turns=1)
    assert isinstance(busy, Busy)
    assert LEASE_MS - 2_000 < busy.until - busy.now <= LEASE_MS
    assert store.read(KEY, 0).leased


def test_a_lease_of_one_session_holds_up_no_other(store: SessionStore) -> None:
    claim(store, KEY)
    claim(store, Key("test", "other"))
    claim(store, Key("other", KEY.subject))


def test_a_finished_turn_lets_the_next_in(store: SessionStore) -> None:
    claimed = claim(store, KEY)
    session = begun(claimed, KEY)
    store.commit(KEY, claimed.fence, commit_of(session, turn_of(session, "t1")))
    assert claim(store, KEY).found.leased is False


def test_a_released_lease_leaves_nothing_behind(world: World) -> None:
    store = world.store
    store.read(KEY, 0)
    before = world.all_keys()
    claimed = claim(store, KEY)
    assert store.release(KEY, claimed.fence)
    assert not store.release(KEY, claimed.fence)
    assert store.read(KEY, 10).session is None
    assert not store.read(KEY, 0).leased
    assert world.all_keys() == before
    assert store.live("test", 10) == []


def test_a_release_leaves_an_older_session_as_it_was(store: SessionStore) -> None:
    say(store, KEY, "t1")
    before = store.read(KEY, 10)
    claimed = claim(store, KEY)
    assert store.release(KEY, claimed.fence, Counted(store.now(), {"test.errors": 1}))
    assert replace(store.read(KEY, 10), now=before.now) == before
    assert store.counters()["test.errors"] == 1


def test_a_release_that_is_refused_counts_nothing(store: SessionStore) -> None:
    claimed = claim(store, KEY)
    assert not store.release(KEY, claimed.fence - 1, Counted(store.now(), {"test.errors": 1}))
    assert "test.errors" not in store.counters()
    assert store.read(KEY, 0).leased


def test_the_fence_grows_with_every_claim_of_the_subject(world: World) -> None:
    """Whatever lies between: a finished turn, a released one, a lost one, an ended session, a forgotten subject."""
    store, fences = world.store, []

    def another() -> int:
        fences.append(claim(store, KEY).fence)
        return fences[-1]

    store.release(KEY, another())
    store.release(KEY, another())
    session = begun(claimed := claim(store, KEY), KEY)
    fences.append(claimed.fence)
    store.commit(KEY, claimed.fence, commit_of(session, turn_of(session, "t1")))
    another()
    world.advance(LEASE_MS + 1)
    store.release(KEY, another())
    end(store, live_session(store, KEY))
    another()
    store.forget(KEY)
    another()

    assert fences == sorted(set(fences))


def test_a_forgotten_turn_can_not_be_stored_any_more(store: SessionStore) -> None:
    """Nor in the same millisecond, when the subject is back already."""
    old = claim(store, KEY)
    session = begun(old, KEY)
    store.forget(KEY)
    assert store.commit(KEY, old.fence, commit_of(session, turn_of(session, "t1"))) is Committed.STALE
    claim(store, KEY)
    assert store.commit(KEY, old.fence, commit_of(session, turn_of(session, "t1"))) is Committed.STALE
    assert store.read(KEY, 10).turns == ()


def test_a_lease_that_is_not_renewed_runs_out(world: World) -> None:
    old = claim(world.store, KEY)
    world.advance(LEASE_MS + 1)
    assert not world.store.read(KEY, 0).leased

    new = claim(world.store, KEY, holder="b")

    session = begun(old, KEY)
    late = commit_of(session, turn_of(session, "late", "too late"))
    assert world.store.commit(KEY, old.fence, late) is Committed.STALE
    assert not world.store.release(KEY, old.fence)
    assert world.store.renew([(KEY, old.fence)], LEASE_MS) == [Renewed.LOST]
    assert world.store.commit(KEY, new.fence, commit_of(session, turn_of(session, "t1"))) is Committed.STORED
    assert texts(world.store.read(KEY, 10).turns) == ["hello"]


def test_a_lease_that_ran_out_is_still_good_while_nobody_took_it(world: World) -> None:
    """A slow instance that nobody waited for loses nothing."""
    claimed = claim(world.store, KEY)
    world.advance(LEASE_MS + 1)
    assert world.store.renew([(KEY, claimed.fence)], LEASE_MS) == [Renewed.HELD]
    world.advance(LEASE_MS + 1)
    session = begun(claimed, KEY)
    assert world.store.commit(KEY, claimed.fence, commit_of(session, turn_of(session, "t1"))) is Committed.STORED


def test_a_renewed_lease_goes_on(world: World) -> None:
    claimed = claim(world.store, KEY)
    for _ in range(5):
        world.advance(LEASE_MS - 1_000)
        assert world.store.renew([(KEY, claimed.fence)], LEASE_MS) == [Renewed.HELD]
        assert isinstance(world.store.claim(KEY, holder="b", lease_ms=LEASE_MS, turns=1), Busy)


def test_leases_are_renewed_together_and_answered_one_by_one(store: SessionStore) -> None:
    keys = [Key("test", f"user{n}") for n in range(4)]
    fences = [claim(store, key).fence for key in keys]
    store.stop(keys[1])
    store.release(keys[2], fences[2])

    answers = store.renew([*zip(keys, fences, strict=True), (Key("test", "nobody"), 1)], LEASE_MS)

    assert answers == [Renewed.HELD, Renewed.STOP, Renewed.LOST, Renewed.HELD, Renewed.LOST]


def test_a_running_turn_is_asked_to_stop(store: SessionStore) -> None:
    assert not store.stop(KEY)
    claimed = claim(store, KEY)
    assert store.stop(KEY)
    assert store.renew([(KEY, claimed.fence)], LEASE_MS) == [Renewed.STOP]
    assert store.renew([(KEY, claimed.fence)], LEASE_MS) == [Renewed.STOP]

    session = begun(claimed, KEY)
    assert store.commit(KEY, claimed.fence, commit_of(session, turn_of(session, "t1"))) is Committed.STORED
    assert not store.stop(KEY)
    assert store.renew([(KEY, claim(store, KEY).fence)], LEASE_MS) == [Renewed.HELD]


def test_a_turn_whose_lease_ran_out_is_not_there_to_be_stopped(world: World) -> None:
    claim(world.store, KEY)
    world.advance(LEASE_MS + 1)
    assert not world.store.stop(KEY)


def test_of_two_instances_the_one_that_waits_is_served_first(store: SessionStore) -> None:
    say(store, KEY, "t1")
    first = claim(store, KEY, holder="a")
    assert isinstance(store.claim(KEY, holder="b", lease_ms=LEASE_MS, turns=1), Busy)
    store.release(KEY, first.fence)

    assert isinstance(store.claim(KEY, holder="a", lease_ms=LEASE_MS, turns=1), Busy)
    claim(store, KEY, holder="b")


def test_the_queue_of_an_instance_starves_no_other(store: SessionStore) -> None:
    """Whoever finished a turn and has another one waiting asks again at once, and so first."""
    say(store, KEY, "t1")
    for _ in range(3):
        running = claim(store, KEY, holder="a")
        assert isinstance(store.claim(KEY, holder="a", lease_ms=LEASE_MS, turns=1), Busy)
        assert isinstance(store.claim(KEY, holder="b", lease_ms=LEASE_MS, turns=1), Busy)
        assert isinstance(store.claim(KEY, holder="a", lease_ms=LEASE_MS, turns=1), Busy)
        store.release(KEY, running.fence)
        assert isinstance(store.claim(KEY, holder="a", lease_ms=LEASE_MS, turns=1), Busy)
        store.release(KEY, claim(store, KEY, holder="b").fence)


def test_the_first_of_those_who_wait_is_served_first(store: SessionStore) -> None:
    say(store, KEY, "t1")
    first = claim(store, KEY, holder="a")
    for holder in ("b", "c", "a", "c"):
        assert isinstance(store.claim(KEY, holder=holder, lease_ms=LEASE_MS, turns=1), Busy)
    store.release(KEY, first.fence)
    for holder in ("a", "c"):
        assert isinstance(store.claim(KEY, holder=holder, lease_ms=LEASE_MS, turns=1), Busy)
    claim(store, KEY, holder="b")


def test_who_gave_up_waiting_holds_nobody_up(world: World) -> None:
    say(world.store, KEY, "t1")
    first = claim(world.store, KEY, holder="a")
    world.store.claim(KEY, holder="b", lease_ms=LEASE_MS, turns=1)
    world.store.release(KEY, first.fence)
    assert isinstance(world.store.claim(KEY, holder="a", lease_ms=LEASE_MS, turns=1), Busy)
    world.advance(1_001)
    claim(world.store, KEY, holder="a")


def test_one_of_many_threads_gets_the_lease(store: SessionStore) -> None:
    start = threading.Barrier(8)

    def one(n: int) -> bool:
        start.wait()
        return isinstance(store.claim(KEY, holder=f"h{n}", lease_ms=LEASE_MS, turns=1), Claimed)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(8))) == 1


# --- commits that are refused, and commits that come twice ----------------------------------------------------------


def test_a_stale_commit_changes_and_counts_nothing(store: SessionStore) -> None:
    say(store, KEY, "t1")
    claimed = claim(store, KEY)
    before, counters = store.read(KEY, 10), store.counters()
    session = live_session(store, KEY)
    wrong = commit_of(session, turn_of(session, "t2"), attributes={"a": 1}, closing=closing_of(session))

    assert store.commit(KEY, claimed.fence + 1, wrong) is Committed.STALE
    assert store.commit(KEY, claimed.fence - 1, wrong) is Committed.STALE

    assert replace(store.read(KEY, 10), now=before.now) == before
    assert store.counters() == counters
    assert store.ended(KEY) == []


@pytest.mark.parametrize("turn_id", ["t1", "key-1"])
def test_a_repeated_commit_answers_stored_and_changes_nothing(store: SessionStore, turn_id: str) -> None:
    claimed = claim(store, KEY)
    session = begun(claimed, KEY)
    commit = commit_of(session, turn_of(session, turn_id), attributes={"a": 1})
    assert store.commit(KEY, claimed.fence, commit) is Committed.STORED
    before, counters = store.read(KEY, 10), store.counters()

    assert store.commit(KEY, claimed.fence, commit) is Committed.STORED

    assert replace(store.read(KEY, 10), now=before.now) == before
    assert store.counters() == counters
    assert counters == {f"test.{LIVE_TURNS}": 1}


def test_a_repeated_commit_is_known_after_later_turns_too(store: SessionStore) -> None:
    claimed = claim(store, KEY)
    session = begun(claimed, KEY)
    commit = commit_of(session, turn_of(session, "t1"))
    store.commit(KEY, claimed.fence, commit)
    say(store, KEY, "t2", "second")
    running = claim(store, KEY)

    assert store.commit(KEY, claimed.fence, commit) is Committed.STORED

    assert texts(store.read(KEY, 10).turns) == ["hello", "second"]
    assert store.renew([(KEY, running.fence)], LEASE_MS) == [Renewed.HELD]


def test_a_repeated_commit_of_the_turn_that_used_up_its_session_is_known(store: SessionStore) -> None:
    claimed = claim(store, KEY)
    session = begun(claimed, KEY)
    commit = commit_of(session, turn_of(session, "t1"), closing=closing_of(session, "conversation_limit"))
    assert store.commit(KEY, claimed.fence, commit) is Committed.STORED
    counters = store.counters()

    assert store.commit(KEY, claimed.fence, commit) is Committed.STORED

    assert store.counters() == counters
    assert len(store.ended(KEY)) == 1
    assert store.read(KEY, 1).session is None


def test_another_turn_of_the_same_id_is_no_repetition(world: World) -> None:
    """An instance was cut off while it answered, and the retry was told something else by another one."""
    store = world.store
    lost = claim(store, KEY)
    session = begun(lost, KEY)
    world.advance(LEASE_MS + 1)
    say(store, KEY, "key-1", "told", holder="b")
    assert store.commit(KEY, lost.fence, commit_of(session, turn_of(session, "key-1", "never told"))) is Committed.STALE
    assert texts(store.read(KEY, 10).turns) == ["told"]


def test_a_repeated_commit_after_the_end_is_stale(store: SessionStore) -> None:
    claimed = claim(store, KEY)
    session = begun(claimed, KEY)
    commit = commit_of(session, turn_of(session, "t1"))
    store.commit(KEY, claimed.fence, commit)
    end(store, live_session(store, KEY))
    assert store.commit(KEY, claimed.fence, commit) is Committed.STALE
    assert store.read(KEY, 10).turns == ()


# --- ids that a retry asks for --------------------------------------------------------------------------------------


def test_a_known_turn_is_answered_at_once_and_takes_no_lease(store: SessionStore) -> None:
    said = say(store, KEY, "key-1", "once")
    say(store, KEY, "t2", "and then")

    known = store.claim(KEY, holder="a", lease_ms=LEASE_MS, turns=1, turn_id="key-1")

    assert isinstance(known, Known)
    assert known.turn == said
    assert known.found.session == live_session(store, KEY)
    assert not store.read(KEY, 0).leased


def test_a_known_turn_is_answered_while_another_runs(store: SessionStore) -> None:
    said = say(store, KEY, "key-1", "once")
    running = claim(store, KEY)
    known = store.claim(KEY, holder="b", lease_ms=LEASE_MS, turns=1, turn_id="key-1")
    assert isinstance(known, Known)
    assert known.turn == said
    assert store.renew([(KEY, running.fence)], LEASE_MS) == [Renewed.HELD]


def test_an_unknown_id_takes_the_lease(store: SessionStore) -> None:
    say(store, KEY, "key-1")
    assert isinstance(store.claim(KEY, holder="a", lease_ms=LEASE_MS, turns=1, turn_id="key-2"), Claimed)


def test_an_id_holds_for_its_subject_only(store: SessionStore) -> None:
    say(store, KEY, "key-1")
    for other in (Key("test", "other"), Key("other", KEY.subject)):
        assert isinstance(store.claim(other, holder="a", lease_ms=LEASE_MS, turns=1, turn_id="key-1"), Claimed)


def test_ids_that_no_retry_asks_for_are_not_kept(store: SessionStore) -> None:
    say(store, KEY, "t1", replayable=False)
    assert isinstance(store.claim(KEY, holder="a", lease_ms=LEASE_MS, turns=1, turn_id="t1"), Claimed)


def test_an_id_goes_with_its_turn_when_that_is_trimmed(store: SessionStore) -> None:
    for n in range(4):
        say(store, KEY, f"key-{n}", keep_turns=2)
    for gone in ("key-0", "key-1"):
        claimed = store.claim(KEY, holder="a", lease_ms=LEASE_MS, turns=1, turn_id=gone)
        assert isinstance(claimed, Claimed)
        store.release(KEY, claimed.fence)
    for kept in ("key-2", "key-3"):
        assert isinstance(store.claim(KEY, holder="a", lease_ms=LEASE_MS, turns=1, turn_id=kept), Known)


def test_a_used_id_whose_turn_is_gone_can_be_stored_again(store: SessionStore) -> None:
    """Keys hold as long as the turn is kept; later, a turn of the same key is a new one and not lost as repeated."""
    say(store, KEY, "key-1", "long ago")
    claimed = claim(store, KEY)
    session = begun(claimed, KEY)
    again = turn_of(session, "key-1", "again", at=claimed.found.now)
    assert store.commit(KEY, claimed.fence, commit_of(session, again, forget_turns=True)) is Committed.STORED
    assert texts(store.read(KEY, 10).turns) == ["again"]
    assert not store.read(KEY, 0).leased


def use_up(store: SessionStore, turn_id: str, text: str = "the last", history_until: int | None = None) -> None:
    claimed = claim(store, KEY)
    session = begun(claimed, KEY)
    closing = closing_of(session, "conversation_limit", history_until=history_until)
    turn = turn_of(session, turn_id, text, at=claimed.found.now)
    commit = commit_of(session, turn, closing=closing, history_until=history_until)
    assert store.commit(KEY, claimed.fence, commit) is Committed.STORED


def test_the_turn_that_used_up_its_session_stays_known_for_ten_minutes(world: World) -> None:
    store = world.store
    say(store, KEY, "key-1", "the first")
    use_up(store, "key-2")
    assert store.read(KEY, 10).session is None
    assert store.read(KEY, 10).turns == ()

    world.advance(590_000)
    known = store.claim(KEY, holder="a", lease_ms=LEASE_MS, turns=1, turn_id="key-2")
    assert isinstance(known, Known)
    assert known.turn.message == "the last"
    assert known.found.session is None
    assert isinstance(store.claim(KEY, holder="a", lease_ms=LEASE_MS, turns=1, turn_id="key-1"), Claimed)


def test_in_a_later_session_the_turn_that_used_up_the_last_one_is_still_known(store: SessionStore) -> None:
    use_up(store, "key-1")
    say(store, KEY, "key-2", "a new session")
    known = store.claim(KEY, holder="a", lease_ms=LEASE_MS, turns=1, turn_id="key-1")
    assert isinstance(known, Known)
    assert known.turn.message == "the last"
    assert known.found.session == live_session(store, KEY)


def test_turns_of_a_used_up_session_stay_where_they_outlive_it(store: SessionStore) -> None:
    until = store.now() + HOUR_MS
    say(store, KEY, "key-1", "the first", history_until=until)
    use_up(store, "key-2", history_until=until)

    found = store.read(KEY, 10)
    assert found.session is None
    assert texts(found.turns) == ["the first", "the last"]
    for turn_id in ("key-1", "key-2"):
        assert isinstance(store.claim(KEY, holder="a", lease_ms=LEASE_MS, turns=1, turn_id=turn_id), Known)


# --- many at once ---------------------------------------------------------------------------------------------------


def test_turns_of_many_threads_are_all_there_once(store: SessionStore) -> None:
    """Eight threads, five turns each, one session: whoever is busy tries again."""

    def speak(n: int) -> None:
        for m in range(5):
            while True:
                claimed = store.claim(KEY, holder=f"h{n}", lease_ms=LEASE_MS, turns=1)
                if isinstance(claimed, Claimed):
                    break
                threading.Event().wait(0.001)
            session = begun(claimed, KEY)
            turn = turn_of(session, f"t{n}-{m}", f"{n}-{m}", at=claimed.found.now)
            assert store.commit(KEY, claimed.fence, commit_of(session, turn)) is Committed.STORED

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(speak, range(8)))

    found = store.read(KEY, 100)
    assert sorted(texts(found.turns)) == sorted(f"{n}-{m}" for n in range(8) for m in range(5))
    assert found.session is not None
    assert found.session.turns == 40
    assert store.counters() == {f"test.{LIVE_TURNS}": 40}


# --- the store ------------------------------------------------------------------------------------------------------


def test_a_store_says_what_it_is(world: World) -> None:
    store = world.store
    status = store.status()
    assert (store.kind, store.durability("test")) == (
        ("memory", Durability.MEMORY) if world.name == "local" else ("redis", Durability.REDIS)
    )
    assert (status.backend, status.state, status.degraded) == (store.kind, "closed", False)
    assert status.since > 0


def test_usage_and_bytes_grow_with_what_is_kept(store: SessionStore) -> None:
    nobody = store.bytes_of([KEY])
    say(store, KEY, "t1", noise(1_000))
    small = store.bytes_of([KEY])
    say(store, KEY, "t2", noise(50_000))

    assert nobody == 0
    assert small >= 500
    assert store.bytes_of([KEY]) - small >= 25_000
    assert store.bytes_of([KEY, Key("test", "nobody")]) == store.bytes_of([KEY])
    usage = store.usage()
    assert usage["used_bytes"] >= store.bytes_of([KEY])
    assert usage["max_bytes"] >= 0


def test_the_clock_of_a_store_goes_forward(world: World) -> None:
    before = world.now
    world.advance(DAY_MS)
    assert DAY_MS <= world.now - before < DAY_MS + 10_000
