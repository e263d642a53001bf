"""What turns and ends count, and how minutes are told from the counts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory import Key, Message, Session, SessionEngine, SessionPolicy, Turn, stats, sweep
from memory.stats import Minute, counted_reason, ended_by_reason, minute_of, of_end, of_failure, of_turn, series
from memory.stores.base import Counted
from tests.memory.conftest import MakeEngine
from tests.memory.harness import World, closing_of, local_world

NOON = 1_790_000_000_000
SESSION = Session(Key("test", "user123"), NOON, NOON + 1_000, turns=3)
TURN = Turn("t1", NOON, NOON + 900, 100, (Message("human", "hello"), Message("ai", "Hello!")))


def test_a_turn_counts_itself_and_its_time() -> None:
    counted = of_turn(SESSION, TURN, None, new=False, at=NOON)
    assert counted.deltas == {"test.turns": 1, "test.ms.26": 1, "test.live_turns": 1}
    assert counted.events == [
        {
            "type": "turn_completed",
            "assistant": "test",
            "sessionId": f"session:user123:{NOON}",
            "at": NOON,
            "turns": 3,
            "ms": 100,
        }
    ]
    assert counted.at == NOON


def test_a_first_turn_counts_its_session_too() -> None:
    counted = of_turn(replace(SESSION, turns=1), TURN, None, new=True, at=NOON)
    assert counted.deltas["test.started"] == 1
    assert [event["type"] for event in counted.events] == ["session_started", "turn_completed"]


def test_a_last_turn_takes_all_of_its_session_from_those_that_live() -> None:
    counted = of_turn(SESSION, TURN, "conversation_limit", new=False, at=NOON)
    assert counted.deltas["test.live_turns"] == 1 - 3
    assert counted.deltas["test.ended.conversation_limit"] == 1
    assert [event["type"] for event in counted.events] == ["turn_completed", "session_ended"]
    assert counted.events[1]["reason"] == "conversation_limit"
    alone = of_turn(replace(SESSION, turns=1), TURN, "conversation_limit", new=True, at=NOON)
    assert "test.live_turns" not in alone.deltas


def test_an_opened_session_counts_no_turn() -> None:
    counted = of_turn(replace(SESSION, turns=0), None, None, new=True, at=NOON)
    assert counted.deltas == {"test.started": 1}


def test_an_interrupted_turn_is_counted_as_such() -> None:
    counted = of_turn(SESSION, replace(TURN, interrupted=True), None, new=False, at=NOON)
    assert counted.deltas["test.interrupted"] == 1
    assert counted.deltas["test.turns"] == 1


def test_an_end_takes_its_turns_from_those_that_live() -> None:
    counted = of_end(SESSION, closing_of(SESSION, "inactivity").record, NOON)
    assert counted.deltas == {"test.ended.inactivity": 1, "test.live_turns": -3}
    assert counted.events[0]["turns"] == 3
    assert of_end(replace(SESSION, turns=0), closing_of(SESSION).record, NOON).deltas == {"test.ended.manual": 1}


@pytest.mark.parametrize(
    ("reason", "counted"),
    [
        ("duration", "duration"),
        ("evicted", "evicted"),
        ("shutdown", "shutdown"),
        ("checkout", "manual"),
        ("a.b", "manual"),
    ],
)
def test_reasons_of_callers_are_counted_as_one(reason: str, counted: str) -> None:
    assert counted_reason(reason) == counted
    assert of_end(SESSION, closing_of(SESSION, reason).record, NOON).events[0]["reason"] == reason


def test_no_event_says_what_was_said() -> None:
    counted = of_turn(SESSION, TURN, "duration", new=True, at=NOON)
    assert "Hello!" not in str(counted)
    assert "hello" not in str(counted)


# --- times ----------------------------------------------------------------------------------------------------------


@given(st.integers(0, 600_000))
def test_a_time_is_told_to_within_nineteen_percent(took: int) -> None:
    minute = minute_of(0, of_turn(SESSION, replace(TURN, took=took), None, new=False, at=0).deltas, ["test"])
    told = minute.p50
    assert told is not None
    assert took <= told <= max(2, took * 1.19 + 1)


def test_percentiles_are_times_within_which_that_share_was_done() -> None:
    counts: dict[str, int] = {}
    for took in [*[100] * 90, *[1_000] * 9, 60_000]:
        for name, number in of_turn(SESSION, replace(TURN, took=took), None, new=False, at=0).deltas.items():
            counts[name] = counts.get(name, 0) + number
    minute = minute_of(0, counts, ["test"])
    assert minute.turns == 100
    assert minute.p50 is not None
    assert minute.p95 is not None
    assert 100 <= minute.p50 < 120
    assert 1_000 <= minute.p95 < 1_200
    assert (minute.percentile(1.0) or 0) >= 60_000


def test_without_turns_there_are_no_times() -> None:
    assert (Minute(0).p50, Minute(0).p95) == (None, None)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=50), st.floats(0.01, 1.0))
def test_a_percentile_covers_its_share(times: list[int], share: float) -> None:
    cells: dict[int, int] = {}
    for took in times:
        cell = stats._cell(took)
        cells[cell] = cells.get(cell, 0) + 1
    told = Minute(0, turns=len(times), cells=cells).percentile(share)
    assert told is not None
    assert sum(took <= told for took in times) >= share * len(times) - 1e-9


# --- series ---------------------------------------------------------------------------------------------------------


def test_a_series_has_every_minute_oldest_first() -> None:
    world = local_world()
    now = world.now
    minute = now // 60_000
    world.store.count(Counted(now - 120_000, {"a.turns": 2, "b.turns": 3, "c.turns": 100, "a.ended.inactivity": 1}))
    world.store.count(Counted(now, {"a.errors": 1, "b.started": 4, "a.ended.manual": 2, "b.ended.manual": 5}))

    told = series(world.store, ["a", "b"], 4, now)

    assert [each.minute for each in told] == [minute - 3, minute - 2, minute - 1, minute]
    assert [each.turns for each in told] == [0, 5, 0, 0]
    assert told[1].ended == {"inactivity": 1}
    assert (told[3].errors, told[3].started, told[3].ended) == (1, 4, {"manual": 7})
    assert told[0] == Minute(minute - 3)


def test_a_namespace_that_begins_like_another_is_not_counted_with_it() -> None:
    counts = {"chat.turns": 1, "chat2.turns": 10, "cha.turns": 100}
    assert minute_of(0, counts, ["chat"]).turns == 1


def test_ends_are_told_by_reason() -> None:
    counters = {"a.ended.manual": 2, "a.ended.duration": 1, "ab.ended.manual": 7, "a.turns": 9}
    assert ended_by_reason(counters, "a") == {"manual": 2, "duration": 1}


def test_what_happened_adds_up(simple_world: World, make_engine: MakeEngine) -> None:
    """A story through the engine: the counts of the minutes, the totals and the events agree."""
    world = simple_world
    engine = make_engine(world.store, SessionPolicy(inactivity=900, max_turns=3))
    listener = world.store.listen()
    try:
        for n in range(4):
            tell(engine, "alice", f"message {n}")
        tell(engine, "bob", "hello")
        engine.end("bob", "bored")
        tell(engine, "carol", "hello")
        engine.abandon_turn(engine.begin_turn("carol", "no"), failed=True)
        world.advance(900_000 + 5_000)
        sweep(engine)

        heard = []
        while (event := listener.get(0.5)) is not None:
            heard.append(event)
    finally:
        listener.close()
    kinds = [event["type"] for event in heard]
    assert (kinds.count("turn_completed"), kinds.count("session_started"), kinds.count("session_ended")) == (6, 4, 4)
    reasons = sorted(str(event["reason"]) for event in heard if event["type"] == "session_ended")
    assert reasons == ["bored", "conversation_limit", "inactivity", "inactivity"]

    told = series(world.store, ["test"], 30, world.now)
    assert sum(minute.turns for minute in told) == 6
    assert sum(minute.started for minute in told) == 4
    assert sum(minute.errors for minute in told) == 1
    assert sum(sum(minute.cells.values()) for minute in told) == 6
    ended: dict[str, int] = {}
    for minute in told:
        for reason, number in minute.ended.items():
            ended[reason] = ended.get(reason, 0) + number
    assert ended == {"conversation_limit": 1, "manual": 1, "inactivity": 2}
    assert ended_by_reason(world.store.counters(), "test") == ended
    assert world.store.counters()["test.live_turns"] == 0


def tell(engine: SessionEngine, subject: str, message: str) -> None:
    engine.finish_turn(engine.begin_turn(subject, message), "answer")


def test_a_failure_is_counted_for_its_assistant() -> None:
    assert of_failure("test", NOON) == Counted(NOON, {"test.errors": 1})
