"""What a session leaves for the next one, and what it keeps of turns that are not shown any more, on every store."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from memory import (
    EndedSession,
    FinishedTurn,
    RunningTurn,
    SessionEngine,
    SessionPolicy,
    Turn,
    View,
    open_failover_store,
    open_store,
    sweep,
)
from memory.engine import MAX_ATTRIBUTES
from memory.held import erase, held
from memory.session import SUMMARY
from tests.memory.conftest import MakeEngine
from tests.memory.harness import DAY_MS, ON_DISK, World
from tests.memory.spy import watching
from tests.processes import wait_until
from tests.servers import RedisServer

CARRYING = SessionPolicy(duration=1_800, inactivity=900, max_turns=3, carry_over=True)
SUMMARISING = SessionPolicy(duration=1_800, inactivity=900, shown_turns=2, summarise=True)
LATER = 905_000
"""After the inactivity of the policies (ms), and after whatever the turns took."""


def words(previous: str, turns: Sequence[Turn], limit: int, /) -> str:
    """A summary that tells what it was made of."""
    return " ".join([*previous.split(), *(turn.message for turn in turns)])


def say(engine: SessionEngine, message: str, owner: str = "") -> FinishedTurn:
    return engine.finish_turn(engine.begin_turn("ada", message, owner=owner), message.upper())


def begun(engine: SessionEngine, owner: str = "") -> RunningTurn:
    """A turn, only to see with what it begins."""
    turn = engine.begin_turn("ada", "?", owner=owner)
    engine.abandon_turn(turn)
    return turn


def live(engine: SessionEngine) -> View:
    view = engine.session("ada")
    assert view is not None
    return view


def last(engine: SessionEngine) -> EndedSession:
    return engine.store.ended(engine.key("ada"))[0]


@pytest.fixture
def engine(world: World, make_engine: MakeEngine) -> SessionEngine:
    return make_engine(world.store, CARRYING, make_summary=words)


@pytest.fixture
def simple(simple_world: World, make_engine: MakeEngine) -> SessionEngine:
    return make_engine(simple_world.store, CARRYING, make_summary=words)


# --- the end leaves something, the next session opens with it -------------------------------------------------------


def test_a_session_that_ends_in_silence_opens_the_next_one(world: World, engine: SessionEngine) -> None:
    say(engine, "one")
    say(engine, "two")
    world.advance(LATER)

    assert engine.earlier(begun(engine)) == "one two"
    say(engine, "three")

    assert live(engine).session.carried_over == "one two"
    assert (last(engine).reason, last(engine).carry_over) == ("inactivity", "one two")
    assert engine.earlier(begun(engine)) == "one two"  # for as long as the session is


def test_a_session_that_a_sweep_closed_left_the_same(world: World, engine: SessionEngine) -> None:
    say(engine, "one")
    world.advance(LATER)
    seen_before_the_sweep = engine.list("ada")[1][0]

    assert sweep(engine) == {"inactivity": 1}

    assert last(engine) == seen_before_the_sweep
    assert last(engine).carry_over == "one"
    assert begun(engine).session.carried_over == "one"


def test_the_turn_that_uses_up_a_session_leaves_it_in_the_same_write(engine: SessionEngine) -> None:
    for message in ("one", "two", "three"):
        done = say(engine, message)

    assert done.verdict.ended == "conversation_limit"
    assert engine.store.ended(engine.key("ada"))[0].carry_over == "one two three"
    assert begun(engine).session.carried_over == "one two three"


def test_what_was_carried_over_is_carried_on(simple: SessionEngine) -> None:
    for message in ("one", "two", "three", "four", "five", "six"):
        say(simple, message)
    assert begun(simple).session.carried_over == "one two three four five six"


def test_a_session_that_was_opened_without_a_turn_has_it_too(simple_world: World, simple: SessionEngine) -> None:
    say(simple, "one")
    simple_world.advance(LATER)
    simple.open("ada")
    assert live(simple).session.carried_over == "one"


def test_an_end_by_hand_leaves_nothing(world: World, engine: SessionEngine) -> None:
    say(engine, "one")
    assert engine.end("ada") is not None
    assert last(engine).carry_over == ""
    assert begun(engine).session.carried_over == ""

    say(engine, "two")
    world.advance(LATER)
    assert engine.end("ada") is None  # it was over by itself, and somebody wanted it gone all the same
    assert last(engine).carry_over == ""
    assert begun(engine).session.carried_over == ""


def test_only_the_newest_record_keeps_what_was_left(world: World, engine: SessionEngine) -> None:
    say(engine, "one")
    world.advance(LATER)
    say(engine, "two")
    assert live(engine).session.carried_over == "one"

    world.advance(LATER)
    seen_before_the_sweep = engine.list("ada")[1]
    sweep(engine)
    assert [record.carry_over for record in engine.store.ended(engine.key("ada"))] == ["one two", ""]
    assert list(engine.store.ended(engine.key("ada"))) == list(seen_before_the_sweep)

    say(engine, "three")
    engine.end("ada", "“that/s it”, é")
    assert begun(engine).session.carried_over == ""
    records = engine.store.ended(engine.key("ada"))
    assert [(record.reason, record.carry_over, record.turns) for record in records] == [
        ("“that/s it”, é", "", 1),
        ("inactivity", "", 1),
        ("inactivity", "", 1),
    ]


def test_it_is_forgotten_after_a_day(simple_world: World, simple: SessionEngine) -> None:
    for message in ("one", "two", "three"):
        say(simple, message)
    simple_world.advance(DAY_MS + 10_000)
    assert begun(simple).session.carried_over == ""


def test_it_has_at_most_600_bytes_whatever_the_script(simple_world: World, make_engine: MakeEngine) -> None:
    engine = make_engine(simple_world.store, CARRYING)  # the rules of an assistant that has none of its own
    for _ in range(3):
        say(engine, "今日の東京の天気はどうですか。" * 40)
    left = last(engine).carry_over
    assert 300 < len(left.encode()) <= 600
    assert "�" not in left
    assert begun(engine).session.carried_over == left


def test_nobody_is_given_what_anothers_session_left(simple: SessionEngine) -> None:
    for message in ("one", "two", "three"):
        say(simple, message, owner="alice")
    assert begun(simple, owner="mallory").session.carried_over == ""
    assert begun(simple, owner="").session.carried_over == ""
    assert begun(simple, owner="alice").session.carried_over == "one two three"
    assert not any(each.ended for each in held(simple, "mallory"))


def test_what_is_shown_anyway_is_not_told_again(simple_world: World, make_engine: MakeEngine) -> None:
    outliving = replace(CARRYING, history_ttl=3_600, keep_turns=2)
    engine = make_engine(simple_world.store, outliving, make_summary=words)
    say(engine, "one")
    say(engine, "two")
    simple_world.advance(LATER)
    assert begun(engine).session.carried_over == ""
    assert [turn.message for turn in begun(engine).turns] == ["one", "two"]

    simple_world.advance(3_600_000)
    assert begun(engine).turns == ()
    assert begun(engine).session.carried_over == "one two"


def test_what_was_to_be_forgotten_before_the_end_leaves_nothing(simple_world: World, make_engine: MakeEngine) -> None:
    forgetful = replace(CARRYING, max_turns=9, history_ttl=300, summarise=True, shown_turns=1)
    engine = make_engine(simple_world.store, forgetful, make_summary=words)
    say(engine, "one")
    say(engine, "two")
    assert live(engine).session.summary == "one"

    simple_world.advance(400_000)  # the session is live, its turns are past their time
    assert engine.earlier(begun(engine)) == ""
    view, _ = engine.list("ada")
    assert view is not None
    assert view.session.summary == ""
    say(engine, "three")
    assert SUMMARY not in live(engine).session.attributes

    simple_world.advance(LATER)
    begun(engine)
    assert last(engine).carry_over == ""


def test_a_summary_that_fails_costs_no_turn(simple_world: World, make_engine: MakeEngine) -> None:
    def fails(previous: str, turns: Sequence[Turn], limit: int, /) -> str:
        raise ZeroDivisionError

    engine = make_engine(simple_world.store, CARRYING, make_summary=fails)
    for message in ("one", "two", "three"):
        done = say(engine, message)
    assert done.verdict.ended == "conversation_limit"
    assert "three" in last(engine).carry_over


def test_it_can_be_seen_whole_and_erased(world: World, engine: SessionEngine) -> None:
    for message in ("one", "two", "three", "four"):
        say(engine, message)
    (seen,) = held(engine, "ada")
    assert seen.session is not None
    assert (seen.session.carried_over, seen.ended[0].carry_over) == ("one two three", "one two three")

    erase({"test": engine}, None, "ada")

    assert [bool(each) for each in held(engine, "ada")] == [False]
    assert begun(engine).session.attributes == {}
    assert not any("one two three" in text for text in world.contents(world.all_keys()))


# --- turns that are not shown any more ------------------------------------------------------------------------------


@pytest.fixture
def summarising(world: World, make_engine: MakeEngine) -> SessionEngine:
    return make_engine(world.store, SUMMARISING, make_summary=words)


@pytest.fixture
def simply(simple_world: World, make_engine: MakeEngine) -> SessionEngine:
    return make_engine(simple_world.store, SUMMARISING, make_summary=words)


def test_turns_beyond_the_window_go_into_the_summary(world: World, summarising: SessionEngine) -> None:
    for message in ("one", "two", "three", "four"):
        say(summarising, message)
        world.advance(1_000)

    turn = begun(summarising)
    assert [each.message for each in turn.turns] == ["three", "four"]
    assert summarising.earlier(turn) == "one two"
    assert live(summarising).session.summary == "one two"


def test_a_turn_with_a_narrower_window_loses_nothing(simply: SessionEngine) -> None:
    say(simply, "one")
    say(simply, "two")
    narrow = simply.begin_turn("ada", "three", shown_turns=1)
    simply.finish_turn(narrow, "THREE")
    assert live(simply).session.summary == "one"


def test_turns_that_a_model_has_no_room_for_are_told_at_once_and_kept(simply: SessionEngine) -> None:
    say(simply, "one")
    say(simply, "two")
    turn = simply.begin_turn("ada", "three")
    assert simply.earlier(turn) == ""
    assert simply.earlier(turn, 2) == "one two"
    simply.finish_turn(turn, "THREE", unshown=2)
    assert live(simply).session.summary == "one two"
    say(simply, "four")
    assert live(simply).session.summary == "one two"


def test_a_summary_takes_no_room_from_attributes(simply: SessionEngine) -> None:
    simply.open("ada")
    full = "x" * (MAX_ATTRIBUTES - 20)
    simply.update("ada", lambda document: document.update(full=full))
    for message in ("one", "two", "three"):
        say(simply, message)
    assert live(simply).session.summary == "one"
    assert live(simply).session.attributes["full"] == full


def test_a_summary_and_an_update_at_the_same_time_are_both_kept(simply: SessionEngine) -> None:
    say(simply, "one")
    say(simply, "two")
    turn = simply.begin_turn("ada", "three")
    simply.update("ada", lambda document: document.update(n=1))
    simply.finish_turn(turn, "THREE")
    assert live(simply).session.summary == "one"
    assert live(simply).session.attributes["n"] == 1


def test_a_summary_that_is_written_anew_has_all_turns_in_it(summarising: SessionEngine) -> None:
    for message in ("one", "two", "three"):
        say(summarising, message)

    def model(previous: str, turns: Sequence[Turn], limit: int, /) -> str:
        return f"[{previous}: {', '.join(turn.message for turn in turns)}]"

    assert summarising.rewrite_summary("ada", model)
    assert live(summarising).session.summary == "[one: two, three]"
    assert not summarising.rewrite_summary("ada", model)  # nothing was said since
    say(summarising, "four")
    assert live(summarising).session.summary == "[one: two, three]"
    for message in ("five", "six"):
        say(summarising, message)
    assert live(summarising).session.summary == "[one: two, three] four"


def test_a_summary_comes_too_late_for_a_session_that_went_on(simply: SessionEngine) -> None:
    for message in ("one", "two", "three"):
        say(simply, message)

    def slow(previous: str, turns: Sequence[Turn], limit: int, /) -> str:
        say(simply, "four")
        return "too late"

    assert not simply.rewrite_summary("ada", slow)
    assert live(simply).session.summary == "one two"


def test_nobody_writes_the_summary_of_a_session_that_is_busy_over_or_unknown(
    simple_world: World, simply: SessionEngine
) -> None:
    assert not simply.rewrite_summary("nobody", words)
    say(simply, "one")
    turn = simply.begin_turn("ada", "two")
    assert not simply.rewrite_summary("ada", words)
    simply.abandon_turn(turn)
    simple_world.advance(LATER)
    assert not simply.rewrite_summary("ada", words)


def test_with_both_a_session_leaves_its_summary_and_what_is_not_in_it(
    simple_world: World, make_engine: MakeEngine
) -> None:
    engine = make_engine(simple_world.store, replace(SUMMARISING, carry_over=True), make_summary=words)
    for message in ("one", "two", "three"):
        say(engine, message)
    simple_world.advance(LATER)
    assert engine.earlier(begun(engine)) == "one two three"


# --- what it costs --------------------------------------------------------------------------------------------------


def test_a_turn_costs_two_round_trips_with_and_without_it(one_redis: World, make_engine: MakeEngine) -> None:
    both = replace(SUMMARISING, carry_over=True)
    for namespace, policy in (("plain", replace(SUMMARISING, summarise=False)), ("both", both)):
        engine = make_engine(one_redis.store, policy, namespace=namespace, make_summary=words)
        for message in ("one", "two", "three"):
            say(engine, message)
        with watching(one_redis.servers) as asked:
            say(engine, "four")
        assert [name for name in asked.commands if name != "ECHO"] == ["EVALSHA"] * 2, namespace


def test_without_the_settings_nothing_is_kept_and_nothing_is_read(one_redis: World, make_engine: MakeEngine) -> None:
    engine = make_engine(one_redis.store, replace(CARRYING, carry_over=False), make_summary=words)
    for message in ("one", "two", "three"):
        say(engine, message)
    with watching(one_redis.servers) as asked:
        say(engine, "four")
    assert [name for name in asked.commands if name != "ECHO"] == ["EVALSHA"] * 2  # though a session begins with it
    assert live(engine).session.attributes == {}
    assert last(engine).carry_over == ""


# --- outages --------------------------------------------------------------------------------------------------------


def test_a_session_that_ends_in_an_outage_leaves_it_as_well(own_redis: RedisServer, tmp_path: Path) -> None:
    with ExitStack() as stack:

        def instance() -> SessionEngine:
            store = open_failover_store(own_redis.url(), durability_of=ON_DISK, journal_dir=tmp_path / "journal")
            stack.callback(store.close_store)
            return SessionEngine(store, CARRYING, namespace="test", make_summary=words)

        first = instance()
        say(first, "one")
        own_redis.kill()
        say(first, "two")
        assert say(first, "three").verdict.ended == "conversation_limit"
        assert begun(first).session.carried_over == "one two three"
        first.store.vanish()  # type: ignore[attr-defined]

        second = instance()  # has nothing but what is on the disk
        assert begun(second).session.carried_over == "one two three"
        own_redis.start()
        wait_until(lambda: second.store.status().state == "closed", "the recovery", 10)

        observer = open_store(own_redis.url())
        stack.callback(observer.close_store)
        assert [record.carry_over for record in observer.ended(first.key("ada"))] == ["one two three"]


def test_a_redis_that_lost_its_data_is_told_what_sessions_left(own_redis: RedisServer, tmp_path: Path) -> None:
    with ExitStack() as stack:
        store = open_failover_store(own_redis.url(), durability_of=ON_DISK, journal_dir=tmp_path / "journal")
        stack.callback(store.close_store)
        engine = SessionEngine(store, CARRYING, namespace="test", make_summary=words)
        for message in ("one", "two", "three"):
            say(engine, message)
        own_redis.restart(keep_data=False)
        observer = open_store(own_redis.url())
        stack.callback(observer.close_store)

        wait_until(lambda: bool(observer.ended(engine.key("ada"))), "what is known of the last session", 10)
        assert [record.carry_over for record in observer.ended(engine.key("ada"))] == ["one two three"]
