"""Sessions beside their turns: opened, touched, edited, listed, ended, forgotten."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from memory import FinishedTurn, SessionEngine, SessionNotFound, SessionPolicy, TooLarge, sweep
from memory.engine import MAX_ATTRIBUTES, Change, iterate_live
from tests.memory.conftest import MakeEngine
from tests.memory.harness import DAY_MS, World, local_world

POLICY = SessionPolicy(duration=1_800, inactivity=900, max_turns=20)
LATER = 900_000 + 5_000
"""After the inactivity of the policy (ms), and after whatever the turns took."""


@pytest.fixture
def engine(simple_world: World, make_engine: MakeEngine) -> SessionEngine:
    return make_engine(simple_world.store, POLICY)


def talk(engine: SessionEngine, subject: str = "user123", message: str = "hello", **options: Any) -> FinishedTurn:
    return engine.finish_turn(engine.begin_turn(subject, message), message.upper(), **options)


def put(**values: Any) -> Change:
    return lambda document: document.update(values)


def add_one(document: dict[str, Any]) -> None:
    document["n"] = document.get("n", 0) + 1


def attributes(engine: SessionEngine, subject: str = "user123") -> dict[str, Any]:
    view = engine.session(subject)
    assert view is not None
    return dict(view.session.attributes)


# --- opened and touched ---------------------------------------------------------------------------------------------


def test_a_session_can_be_opened_before_anything_is_said(engine: SessionEngine) -> None:
    opened = engine.open("user123", owner="alice")
    assert (opened.turns, opened.owner) == (0, "alice")
    view = engine.session("user123", turns=10)
    assert view is not None
    assert (view.session, view.turns, view.busy) == (opened, (), False)
    assert engine.store.counters() == {"test.started": 1}

    assert engine.open("user123", owner="alice") == opened
    assert engine.store.counters() == {"test.started": 1}
    done = engine.finish_turn(engine.begin_turn("user123", "hello", owner="alice"), "Hello!")
    assert done.session.started == opened.started
    assert done.session.turns == 1


def test_an_opened_session_ends_by_itself(simple_world: World, engine: SessionEngine) -> None:
    engine.open("user123")
    simple_world.advance(LATER)
    assert engine.session("user123") is None
    assert sweep(engine) == {"inactivity": 1}
    assert [record.turns for record in engine.list("user123")[1]] == [0]


def test_opening_where_a_session_is_over_begins_a_new_one(simple_world: World, engine: SessionEngine) -> None:
    first = engine.open("user123")
    simple_world.advance(LATER)
    second = engine.open("user123")
    assert second.started > first.started
    assert [record.id for record in engine.list("user123")[1]] == [first.id]


def test_touching_extends_as_a_turn_would(simple_world: World, engine: SessionEngine) -> None:
    first = talk(engine)
    simple_world.advance(600_000)
    assert engine.touch("user123")
    simple_world.advance(600_000)
    view = engine.session("user123")
    assert view is not None, "it would have ended without the touch"
    assert view.session.turns == 1
    assert view.session.last_activity >= first.session.last_activity + 600_000 - 1_000
    assert [turn.message for turn in engine.history("user123")] == ["hello"]
    simple_world.advance(300_000 + 5_000)
    assert engine.session("user123") is None


def test_touching_does_not_prolong_what_ends_by_duration(simple_world: World, engine: SessionEngine) -> None:
    talk(engine)
    for _ in range(3):
        simple_world.advance(500_000)
        assert engine.touch("user123")
    simple_world.advance(300_000)
    assert not engine.touch("user123")


def test_touching_opens_nothing(simple_world: World, engine: SessionEngine) -> None:
    assert not engine.touch("user123")
    talk(engine)
    simple_world.advance(LATER)
    assert not engine.touch("user123")
    assert engine.session("user123") is None
    assert engine.store.totals("test").live == 0


def test_touching_does_not_wait_for_a_running_turn(engine: SessionEngine) -> None:
    """That one extends the session anyway."""
    talk(engine)
    turn = engine.begin_turn("user123", "still running")
    assert engine.touch("user123")
    engine.finish_turn(turn, "done")
    assert [turn.message for turn in engine.history("user123")] == ["hello", "still running"]


# --- looking --------------------------------------------------------------------------------------------------------


def test_looking_extends_nothing_and_opens_nothing(simple_world: World, engine: SessionEngine) -> None:
    assert engine.session("user123") is None
    assert engine.history("user123") == ()
    assert engine.list("user123") == (None, [])
    talk(engine)
    simple_world.advance(600_000)
    assert engine.session("user123", turns=10) is not None
    assert len(engine.history("user123")) == 1
    assert engine.list("user123")[0] is not None
    assert len(engine.live()) == 1
    simple_world.advance(300_000 + 5_000)
    assert engine.session("user123") is None


def test_history_is_the_newest_turns_oldest_first(engine: SessionEngine) -> None:
    for n in range(12):
        talk(engine, message=f"message {n}")
    assert [turn.message for turn in engine.history("user123")] == [f"message {n}" for n in range(2, 12)]
    assert [turn.message for turn in engine.history("user123", 2)] == ["message 10", "message 11"]


def test_a_session_that_is_over_is_listed_as_ended_before_any_sweep(simple_world: World, engine: SessionEngine) -> None:
    first = talk(engine)
    engine.end("user123", "moving on")
    simple_world.advance(10_000)
    second = talk(engine)
    simple_world.advance(LATER)

    view, ended = engine.list("user123")

    assert view is None
    assert [(record.id, record.reason, record.turns) for record in ended] == [
        (second.session.id, "inactivity", 1),
        (first.session.id, "moving on", 1),
    ]
    assert ended[0].ended == second.session.last_activity + 900_000
    assert sweep(engine) == {"inactivity": 1}
    assert engine.list("user123") == (None, ended)


def test_twenty_ended_sessions_are_listed_and_no_more(simple_world: World, engine: SessionEngine) -> None:
    for n in range(21):
        talk(engine)
        engine.end("user123", f"end {n}")
        simple_world.advance(1_000)
    talk(engine)
    simple_world.advance(LATER)
    ended = engine.list("user123")[1]
    assert [record.reason for record in ended] == ["inactivity", *(f"end {n}" for n in range(20, 1, -1))]


def test_live_sessions_are_listed_in_pages(simple_world: World, engine: SessionEngine) -> None:
    for n in range(7):
        talk(engine, f"user{n}")
        simple_world.advance(1_000)
    assert [view.session.key.subject for view in engine.live(limit=3)] == ["user6", "user5", "user4"]
    assert [view.session.key.subject for view in engine.live(limit=3, offset=6)] == ["user0"]
    simple_world.advance(900_000 - 4_000)
    assert {view.session.key.subject for view in engine.live()} == {"user6", "user5", "user4"}


def test_all_live_sessions_are_read_in_pages_whatever_a_page_lacks(
    simple_world: World, make_engine: MakeEngine
) -> None:
    """A session that is over by a policy that was shortened must not hide those behind it."""
    generous = make_engine(simple_world.store, SessionPolicy(inactivity=3_600))
    for n in range(10):
        talk(generous, f"user{n}")
        simple_world.advance(60_000)
    strict = make_engine(simple_world.store, SessionPolicy(inactivity=330))
    assert len(list(iterate_live(strict, page=3))) == 5
    assert len(list(iterate_live(generous, page=3))) == 10
    assert len(list(iterate_live(generous, page=3, limit=7))) == 7
    simple_world.store.forget(generous.key("user9"))
    assert len(list(iterate_live(generous, page=1))) == 9


# --- attributes -----------------------------------------------------------------------------------------------------


def test_attributes_are_edited_and_end_with_the_session(engine: SessionEngine) -> None:
    talk(engine)
    assert engine.update("user123", put(cart=["a"], user={"type": "phase1"})) == {
        "cart": ["a"],
        "user": {"type": "phase1"},
    }
    assert engine.update("user123", lambda document: document["cart"].append("b"))["cart"] == ["a", "b"]
    assert attributes(engine) == {"cart": ["a", "b"], "user": {"type": "phase1"}}
    engine.end("user123")
    talk(engine)
    assert attributes(engine) == {}


def test_an_edit_that_changes_nothing_writes_nothing(engine: SessionEngine) -> None:
    talk(engine)
    engine.update("user123", put(a=1))
    revision = engine.session("user123").session.revision  # type: ignore[union-attr]
    assert engine.update("user123", put(a=1)) == {"a": 1}
    assert engine.session("user123").session.revision == revision  # type: ignore[union-attr]


def test_an_edit_extends_nothing(simple_world: World, engine: SessionEngine) -> None:
    talk(engine)
    simple_world.advance(600_000)
    engine.update("user123", put(a=1))
    simple_world.advance(300_000 + 5_000)
    assert engine.session("user123") is None


def test_twenty_edits_at_once_are_all_there(simple_world: World, make_engine: MakeEngine) -> None:
    engines = [make_engine(simple_world.store, POLICY), make_engine(simple_world.again(), POLICY)]
    talk(engines[0])
    start = threading.Barrier(20)

    def edit(n: int) -> None:
        start.wait()
        engines[n % 2].update("user123", add_one)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(edit, range(20)))
    assert attributes(engines[0]) == {"n": 20}


def test_an_edit_of_the_same_key_is_made_once(simple_world: World, make_engine: MakeEngine) -> None:
    engines = [make_engine(simple_world.store, POLICY), make_engine(simple_world.again(), POLICY)]
    talk(engines[0])
    start = threading.Barrier(8)

    def edit(n: int) -> int:
        start.wait()
        return int(engines[n % 2].update("user123", add_one, key="checkout")["n"])

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(edit, range(8))) == {1}
    assert engines[0].update("user123", add_one, key="another checkout")["n"] == 2
    assert engines[0].update("user123", add_one, key="checkout")["n"] == 2


def test_keys_of_edits_are_bounded(engine: SessionEngine) -> None:
    talk(engine)
    for n in range(100):
        engine.update("user123", add_one, key=f"edit {n}")
    assert attributes(engine)["n"] == 100
    assert engine.update("user123", add_one, key="edit 99")["n"] == 100
    assert len(str(attributes(engine))) < 1_500


def test_an_edit_can_open_the_session(engine: SessionEngine) -> None:
    with pytest.raises(SessionNotFound):
        engine.update("user123", put(a=1))
    assert engine.session("user123") is None
    assert engine.update("user123", put(a=1), create=True, owner="alice") == {"a": 1}
    view = engine.session("user123")
    assert view is not None
    assert (view.session.turns, view.session.owner) == (0, "alice")


def test_edits_that_open_the_session_at_once_open_one(simple_world: World, make_engine: MakeEngine) -> None:
    engines = [make_engine(simple_world.store, POLICY), make_engine(simple_world.again(), POLICY)]
    start = threading.Barrier(8)

    def edit(n: int) -> None:
        start.wait()
        engines[n % 2].update("user123", add_one, create=True)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(edit, range(8)))
    assert attributes(engines[0]) == {"n": 8}
    assert engines[0].store.counters() == {"test.started": 1}


def test_attributes_of_a_session_that_is_over_are_not_edited(simple_world: World, engine: SessionEngine) -> None:
    talk(engine)
    simple_world.advance(LATER)
    with pytest.raises(SessionNotFound):
        engine.update("user123", put(a=1))
    assert engine.update("user123", put(b=2), create=True) == {"b": 2}
    assert engine.session("user123").session.turns == 0  # type: ignore[union-attr]


def test_attributes_are_bounded(engine: SessionEngine) -> None:
    talk(engine)
    engine.update("user123", put(a="x" * (MAX_ATTRIBUTES - 100)))
    with pytest.raises(TooLarge) as refused:
        engine.update("user123", put(b="ü" * 100))
    assert refused.value.limit == MAX_ATTRIBUTES
    assert "b" not in attributes(engine)
    with pytest.raises(TooLarge):
        talk(engine, changes=[put(c="x" * MAX_ATTRIBUTES)])
    engine.forget("user123")


def test_a_failing_edit_changes_nothing(engine: SessionEngine) -> None:
    talk(engine)
    engine.update("user123", put(a=[1]))

    def half_way(document: dict[str, Any]) -> None:
        document["a"].append(2)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        engine.update("user123", half_way)
    assert attributes(engine) == {"a": [1]}


def test_a_turn_edits_attributes_when_it_is_stored(engine: SessionEngine) -> None:
    done = talk(engine, changes=[put(topic="weather"), add_one, add_one])
    assert done.session.attributes == {"topic": "weather", "n": 2}
    assert engine.session("user123").session == engine.begin_turn("user123", "again").session  # type: ignore[union-attr]


def test_an_abandoned_turn_edits_nothing_and_an_edit_beside_it_stays(engine: SessionEngine) -> None:
    talk(engine)
    turn = engine.begin_turn("user123", "never answered")
    engine.update("user123", put(a=1))
    engine.abandon_turn(turn)
    assert attributes(engine) == {"a": 1}


def test_edits_beside_a_running_turn_and_those_of_the_turn_are_both_made(engine: SessionEngine) -> None:
    talk(engine, changes=[put(cart=["a"])])
    turn = engine.begin_turn("user123", "add b")
    engine.update("user123", lambda document: document["cart"].append("c"))
    done = engine.finish_turn(turn, "Added.", changes=[lambda document: document["cart"].append("b")])
    assert done.session.attributes == {"cart": ["a", "c", "b"]}
    assert attributes(engine) == {"cart": ["a", "c", "b"]}
    assert len(engine.history("user123")) == 2


def test_a_turn_without_edits_leaves_those_beside_it(engine: SessionEngine) -> None:
    talk(engine, changes=[add_one])
    turn = engine.begin_turn("user123", "hello")
    engine.update("user123", add_one)
    engine.finish_turn(turn, "Hello!")
    assert engine.update("user123", add_one) == {"n": 3}


def test_edits_by_turns_and_beside_them_are_all_made(simple_world: World, make_engine: MakeEngine) -> None:
    engines = [make_engine(simple_world.store, POLICY), make_engine(simple_world.again(), POLICY)]
    talk(engines[0])

    def work(n: int) -> None:
        if n % 2:
            talk(engines[n // 2 % 2], changes=[add_one])
        else:
            engines[n // 2 % 2].update("user123", add_one)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))
    view = engines[0].session("user123")
    assert view is not None
    assert (view.session.attributes, view.session.turns) == ({"n": 16}, 9)


# --- ended and forgotten --------------------------------------------------------------------------------------------


def test_a_session_is_ended_with_a_reason(engine: SessionEngine) -> None:
    done = talk(engine)
    record = engine.end("user123", "checkout complete")
    assert record is not None
    assert (record.id, record.reason, record.turns) == (done.session.id, "checkout complete", 1)
    assert engine.session("user123") is None
    assert engine.history("user123") == ()
    assert engine.list("user123") == (None, [record])
    counters = engine.store.counters()
    assert counters["test.ended.manual"] == 1, "reasons of callers are counted as one"
    assert counters["test.live_turns"] == 0
    assert "test.ended.checkout complete" not in counters


def test_where_no_session_is_there_is_nothing_to_end(simple_world: World, engine: SessionEngine) -> None:
    assert engine.end("user123") is None
    talk(engine)
    assert engine.end("user123") is not None
    assert engine.end("user123") is None
    talk(engine)
    simple_world.advance(LATER)
    assert engine.end("user123") is None, "its time was up already"
    assert [record.reason for record in engine.list("user123")[1]] == ["inactivity", "manual"]


def test_of_many_who_end_a_session_one_is_told_so(simple_world: World, make_engine: MakeEngine) -> None:
    engines = [make_engine(simple_world.store, POLICY), make_engine(simple_world.again(), POLICY)]
    talk(engines[0])
    start = threading.Barrier(8)

    def end(n: int) -> bool:
        start.wait()
        return engines[n % 2].end("user123") is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(end, range(8))) == 1
    assert len(engines[0].list("user123")[1]) == 1
    assert engines[0].store.counters()["test.ended.manual"] == 1


def test_a_forgotten_subject_leaves_nothing(simple_world: World, engine: SessionEngine) -> None:
    talk(engine)
    engine.end("user123")
    talk(engine, changes=[put(a=1)])
    assert engine.forget("user123")
    assert not engine.forget("user123")
    assert engine.list("user123") == (None, [])
    assert engine.history("user123") == ()
    assert engine.live() == []
    assert not any("user123" in key for key in simple_world.all_keys())
    assert engine.store.totals("test").turns == 0


def test_sessions_in_a_process_end_with_it(simple_world: World, engine: SessionEngine) -> None:
    for n in range(5):
        talk(engine, f"user{n}")
    running = engine.begin_turn("user0", "still running")
    if simple_world.servers:
        assert engine.shutdown() == 0
        assert len(engine.live()) == 5, "sessions in Redis stay for the other instances"
    else:
        assert engine.shutdown() == 5
        assert engine.live() == []
        assert engine.list("user3")[1][0].reason == "shutdown"
        assert engine.store.counters()["test.ended.shutdown"] == 5
    engine.abandon_turn(running)


def test_a_shutdown_ends_more_sessions_than_a_page(make_engine: MakeEngine) -> None:
    engine = make_engine(local_world().store, POLICY)
    for n in range(250):
        engine.open(f"user{n}")
    assert engine.shutdown() == 250
    assert engine.store.totals("test").live == 0


def test_a_day_later_ended_sessions_are_not_listed(simple_world: World, engine: SessionEngine) -> None:
    talk(engine)
    engine.end("user123")
    simple_world.advance(DAY_MS + 1_000)
    assert engine.list("user123") == (None, [])
