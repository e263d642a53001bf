"""Many turns at once, in one instance and in two that share a store: none lost, none doubled, nobody starved."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from memory import FinishedTurn, SessionEngine, SessionPolicy, SessionStore, StaleTurn
from tests.memory.conftest import MakeEngine
from tests.memory.harness import World
from tests.processes import wait_until

Result = TypeVar("Result")

REMEMBERING = SessionPolicy(inactivity=900, max_turns=20, history_ttl=3_600, keep_turns=100)
"""Turns outlive their session, so that all of them can be counted at the end."""


def instances(world: World, make_engine: MakeEngine, policy: SessionPolicy) -> list[SessionEngine]:
    stores: list[SessionStore] = [world.store, world.again()]
    return [make_engine(store, policy, turn_wait=30.0, holder=f"h{n}") for n, store in enumerate(stores)]


def at_once(count: int, work: Callable[[int], Result]) -> list[Result]:
    """``work(n)`` in as many threads, begun together."""
    start = threading.Barrier(count)

    def one(n: int) -> Result:
        start.wait()
        return work(n)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_forty_messages_of_one_user_at_once_are_forty_whole_turns(simple_world: World, make_engine: MakeEngine) -> None:
    engines = instances(simple_world, make_engine, REMEMBERING)

    def say(n: int) -> FinishedTurn:
        engine = engines[n % 2]
        turn = engine.begin_turn("user123", f"message {n}")
        simple_world.advance(1)
        return engine.finish_turn(turn, f"answer {n}")

    done = at_once(40, say)

    stored = engines[0].history("user123", 100)
    assert Counter(turn.message for turn in stored) == Counter(f"message {n}" for n in range(40))
    assert all(turn.response == turn.message.replace("message", "answer") for turn in stored)
    assert {turn.id for turn in stored} == {each.turn.id for each in done}
    assert [turn.began for turn in stored] == sorted(turn.began for turn in stored)
    places = Counter((each.session.started, each.session.turns) for each in done)
    assert set(places.values()) == {1}
    assert sorted(turns for _, turns in places) == sorted([*range(1, 21), *range(1, 21)])
    ended = engines[0].list("user123")[1]
    assert [(record.reason, record.turns) for record in ended] == [("conversation_limit", 20)] * 2
    counters = engines[0].store.counters()
    assert (counters["test.turns"], counters["test.started"], counters["test.live_turns"]) == (40, 2, 0)


@pytest.mark.parametrize("policy", [
    pytest.param(SessionPolicy(inactivity=900, max_turns=20), id="in the middle of a session"),
    pytest.param(SessionPolicy(inactivity=900, max_turns=2), id="the turn that uses it up"),
    pytest.param(SessionPolicy(inactivity=900, max_turns=1), id="one turn is all"),
    pytest.param(SessionPolicy(inactivity=900, max_turns=2, history_ttl=3_600), id="used up, but remembered"),
])  # fmt: skip
def test_eight_copies_of_a_request_are_one_turn_and_eight_equal_replies(
    simple_world: World, make_engine: MakeEngine, policy: SessionPolicy
) -> None:
    engines = instances(simple_world, make_engine, policy)
    if policy.max_turns != 1:
        engines[0].finish_turn(engines[0].begin_turn("user123", "before"), "Hello!")
    answered = []

    def ask(n: int) -> FinishedTurn:
        engine = engines[n % 2]
        turn = engine.begin_turn("user123", "buy it", key="the same")
        if turn.replay is None:
            answered.append(n)
        return engine.finish_turn(turn, f"bought by {n}")

    done = at_once(8, ask)

    assert len(answered) == 1
    assert {each.turn.response for each in done} == {f"bought by {answered[0]}"}
    assert sum(not each.replayed for each in done) == 1
    assert len({(each.turn.id, each.session.id, each.session.turns, each.verdict) for each in done}) == 1
    before = policy.max_turns != 1
    assert engines[0].store.counters()["test.turns"] == 1 + before


def test_within_an_instance_turns_are_served_in_the_order_they_came(
    simple_world: World, make_engine: MakeEngine
) -> None:
    engine = make_engine(simple_world.store, REMEMBERING, turn_wait=30.0)
    running = engine.begin_turn("user123", "first")
    threads: list[threading.Thread] = []
    for n in range(8):
        threads.append(threading.Thread(target=lambda n=n: talk(engine, f"message {n}")))
        threads[-1].start()
        wait_until(lambda n=n: engine.waiting("user123") == n + 1, "the line")  # type: ignore[misc]
    engine.finish_turn(running, "done")
    for thread in threads:
        thread.join(30)
    assert [turn.message for turn in engine.history("user123", 100)] == ["first", *(f"message {n}" for n in range(8))]


def talk(engine: SessionEngine, message: str) -> FinishedTurn:
    return engine.finish_turn(engine.begin_turn("user123", message), "done")


def test_a_long_line_in_one_instance_holds_up_no_other(simple_world: World, make_engine: MakeEngine) -> None:
    first, second = instances(simple_world, make_engine, REMEMBERING)
    running = first.begin_turn("user123", "running")
    threads = [threading.Thread(target=talk, args=(first, f"a{n}")) for n in range(10)]
    for thread in threads:
        thread.start()
    wait_until(lambda: first.waiting("user123") == 10, "the line")
    other = threading.Thread(target=talk, args=(second, "b"))
    other.start()
    wait_until(lambda: second.waiting("user123") == 1, "the other")
    threading.Event().wait(0.05)  # it has asked the store by now
    first.finish_turn(running, "done")
    for thread in [*threads, other]:
        thread.join(30)
    order = [turn.message for turn in first.history("user123", 100)]
    assert order.index("b") <= 2
    assert len(order) == 12


def test_sessions_that_end_while_turns_run_lose_and_double_nothing(
    simple_world: World, make_engine: MakeEngine
) -> None:
    """Turns, ends and looks at once: every turn is either told and stored, or refused and not stored."""
    engines = instances(simple_world, make_engine, REMEMBERING)
    refused: list[str] = []

    def work(n: int) -> FinishedTurn | None:
        engine = engines[n % 2]
        if n % 4 == 3:
            engine.end("user123")
            engine.session("user123", turns=5)
            return None
        turn = engine.begin_turn("user123", f"message {n}")
        try:
            return engine.finish_turn(turn, "done")
        except StaleTurn:
            engine.abandon_turn(turn)
            refused.append(f"message {n}")
            return None

    done = [each for each in at_once(32, work) if each is not None]
    told = [each.turn.message for each in done]
    stored = [turn.message for turn in engines[0].history("user123", 100)]
    assert set(stored) <= set(told)  # an end that was asked for forgets what was said before it
    assert len(stored) == len(set(stored))
    assert sorted([*told, *refused]) == sorted(f"message {n}" for n in range(32) if n % 4 != 3)
    engines[0].end("user123")
    counters = engines[0].store.counters()
    assert counters["test.turns"] == len(told)
    assert counters["test.live_turns"] == 0
    assert counters["test.started"] == counters.get("test.ended.manual", 0) + counters.get(
        "test.ended.conversation_limit", 0
    )


def test_many_users_at_once_keep_to_themselves(simple_world: World, make_engine: MakeEngine) -> None:
    engines = instances(simple_world, make_engine, REMEMBERING)

    def work(n: int) -> FinishedTurn:
        for m in range(4):
            turn = engines[m % 2].begin_turn(f"user{n}", f"{n}-{m}")
            assert [message.text for message in turn.history[::2]] == [f"{n}-{earlier}" for earlier in range(m)]
            done = engines[m % 2].finish_turn(turn, "done")
        return done

    done = at_once(24, work)
    assert {each.session.turns for each in done} == {4}
    totals = engines[0].store.totals("test")
    assert (totals.live, totals.turns) == (24, 96)
    assert waiting(engines) == 0


def waiting(engines: Sequence[SessionEngine]) -> int:
    return sum(engine.waiting(f"user{n}") for engine in engines for n in range(24))
