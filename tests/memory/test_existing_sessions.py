"""A turn that may only join a session that is there: what a client calls a session is not one because it says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from memory import SessionEngine, SessionNotFound, SessionPolicy
from tests.memory.harness import World

MakeEngine = Callable[..., SessionEngine]
POLICY = SessionPolicy(inactivity=60)


@pytest.fixture
def engine(simple_world: World, make_engine: MakeEngine) -> SessionEngine:
    return make_engine(simple_world.store, POLICY)


def test_a_live_session_is_joined(engine: SessionEngine) -> None:
    opened = engine.open("ada")
    turn = engine.begin_turn("ada", "hello", create=False)
    assert turn.session.started == opened.started
    assert engine.finish_turn(turn, "hi").session.turns == 1


def test_an_unknown_session_is_not_found_and_nothing_is_left_of_the_search(
    simple_world: World, engine: SessionEngine
) -> None:
    with pytest.raises(SessionNotFound):
        engine.begin_turn("ada", "hello", create=False)

    assert not [key for key in simple_world.all_keys() if ":ada:" in key]
    assert engine.leases.running() == 0
    engine.finish_turn(engine.begin_turn("ada", "hello", wait=0), "hi")  # nobody holds it


def test_a_session_whose_time_is_up_is_closed_and_not_found(simple_world: World, engine: SessionEngine) -> None:
    engine.finish_turn(engine.begin_turn("ada", "hello"), "hi")
    simple_world.advance(61_000)

    with pytest.raises(SessionNotFound):
        engine.begin_turn("ada", "again", create=False)

    live, ended = engine.list("ada")
    assert live is None
    assert [record.reason for record in ended] == ["inactivity"]


def test_a_retry_is_answered_without_another_search(engine: SessionEngine) -> None:
    engine.open("ada")
    engine.finish_turn(engine.begin_turn("ada", "hello", key="one", create=False), "hi")
    again = engine.begin_turn("ada", "hello", key="one", create=False)
    assert again.replay is not None
    assert again.replay.response == "hi"


def test_another_s_session_is_not_found_either_way(engine: SessionEngine) -> None:
    engine.open("talk", owner="ada")
    for create in (True, False):
        with pytest.raises(SessionNotFound):
            engine.begin_turn("talk", "hello", owner="bob", create=create)
    assert engine.begin_turn("talk", "hello", owner="ada", create=False, wait=0).fence
