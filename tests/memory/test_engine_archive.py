"""Policies with an archive: a turn is in it before anybody is told, and from it when the store has forgotten."""

from __future__ import annotations

import secrets
from collections import defaultdict
from dataclasses import replace

import pytest

from memory import (
    FinishedTurn,
    IdempotencyMismatch,
    SessionEngine,
    SessionNotFound,
    SessionPolicy,
    StaleTurn,
    StoreUnavailable,
    TooLarge,
    Turn,
)
from memory.leases import LeaseKeeper
from tests.memory.conftest import MakeEngine
from tests.memory.harness import World

CHAT = SessionPolicy(inactivity=3_600, keep_turns=3, shown_turns=5, archive=True)
LATER = 3_600_000 + 5_000


class Shelf:
    """An archive in this process; ``broken`` fails the next calls."""

    def __init__(self, world: World) -> None:
        self.turns: dict[str, list[Turn]] = defaultdict(list)
        self.owners: dict[str, str] = {}
        self.calls: list[str] = []
        self.stored_at_record: list[int] = []
        self.broken = False
        self._world = world

    def record(self, session_id: str, owner: str, turn: Turn) -> None:
        self._called("record")
        engine_sees = self._world.store.totals("test").turns
        self.stored_at_record.append(engine_sees)
        self.turns[session_id] = [each for each in self.turns[session_id] if each.id != turn.id] + [turn]
        self.owners.setdefault(session_id, owner)

    def owner(self, session_id: str) -> str | None:
        return self.owners.get(session_id)

    def find_turn(self, session_id: str, turn_id: str) -> Turn | None:
        return next((each for each in self.turns[session_id] if each.id == turn_id), None)

    def window(self, session_id: str, turns: int) -> list[Turn]:
        self._called("window")
        return self.turns[session_id][-turns:]

    def remove_turn(self, session_id: str, turn_id: str) -> None:
        self._called("remove_turn")
        self.turns[session_id] = [each for each in self.turns[session_id] if each.id != turn_id]

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.broken:
            raise StoreUnavailable("archive")


@pytest.fixture
def shelf(simple_world: World) -> Shelf:
    return Shelf(simple_world)


@pytest.fixture
def engine(simple_world: World, shelf: Shelf, make_engine: MakeEngine) -> SessionEngine:
    return make_engine(simple_world.store, CHAT, archive=shelf)


def talk(engine: SessionEngine, message: str = "hello", **options: str) -> FinishedTurn:
    return engine.finish_turn(engine.begin_turn("chat1", message, **options), message.upper())  # type: ignore[arg-type]


def shown(engine: SessionEngine, turns: int | None = None) -> list[str]:
    turn = engine.begin_turn("chat1", "and now?", shown_turns=turns)
    engine.abandon_turn(turn)
    return [message.text for message in turn.history if message.role == "human"]


def test_a_turn_is_archived_before_it_is_stored(engine: SessionEngine, shelf: Shelf) -> None:
    done = [talk(engine, f"message {n}", owner="alice").turn for n in range(4)]
    assert shelf.turns["chat1"] == done
    assert shelf.owners == {"chat1": "alice"}
    assert shelf.stored_at_record == [0, 1, 2, 3]


def test_an_archive_that_fails_stores_nothing(engine: SessionEngine, shelf: Shelf) -> None:
    talk(engine, "before")
    turn = engine.begin_turn("chat1", "lost?", key="once")
    shelf.broken = True
    with pytest.raises(StoreUnavailable):
        engine.finish_turn(turn, "no")
    engine.abandon_turn(turn)
    assert [each.message for each in engine.history("chat1")] == ["before"]
    assert engine.session("chat1").session.turns == 1  # type: ignore[union-attr]

    shelf.broken = False
    assert not talk(engine, "lost?", key="once").replayed
    assert [each.message for each in shelf.turns["chat1"]] == ["before", "lost?"]


def test_what_is_too_large_is_not_archived_either(simple_world: World, shelf: Shelf, make_engine: MakeEngine) -> None:
    engine = make_engine(simple_world.store, replace(CHAT, max_bytes=500), archive=shelf)
    turn = engine.begin_turn("chat1", "hello")
    with pytest.raises(TooLarge):
        engine.finish_turn(turn, secrets.token_hex(750))  # nothing that a codec could make smaller
    assert not shelf.turns["chat1"]
    with pytest.raises(TooLarge):
        engine.finish_turn(turn, "x", changes=[lambda document: document.update(a="x" * 100_000)])
    assert not shelf.turns["chat1"]


def test_a_retry_is_not_archived_again(engine: SessionEngine, shelf: Shelf) -> None:
    talk(engine, key="once")
    shelf.calls.clear()
    assert talk(engine, key="once").replayed
    assert shelf.calls == []


def test_after_the_session_the_window_is_loaded_from_the_archive(
    simple_world: World, engine: SessionEngine, shelf: Shelf
) -> None:
    for n in range(7):
        talk(engine, f"message {n}")
    simple_world.advance(LATER)
    assert engine.session("chat1") is None
    turn = engine.begin_turn("chat1", "message 7")
    assert turn.new
    assert [message.text for message in turn.history[::2]] == [f"message {n}" for n in range(2, 7)]
    done = engine.finish_turn(turn, "hello again")
    assert done.session.turns == 1
    assert shown(engine) == [f"message {n}" for n in range(3, 8)]
    assert shown(engine, 2) == ["message 6", "message 7"]


def test_what_the_store_no_longer_keeps_is_loaded_from_the_archive(engine: SessionEngine, shelf: Shelf) -> None:
    for n in range(7):
        talk(engine, f"message {n}")
    assert len(engine.history("chat1")) == 3
    assert shown(engine) == [f"message {n}" for n in range(2, 7)]


def test_the_archive_is_not_asked_for_what_the_store_has(engine: SessionEngine, shelf: Shelf) -> None:
    for n in range(3):
        talk(engine, f"message {n}")
    shelf.calls.clear()
    assert shown(engine, 3) == ["message 0", "message 1", "message 2"]
    assert shown(engine, 2) == ["message 1", "message 2"]
    assert shown(engine, 0) == []
    assert shelf.calls == []


def test_an_archive_that_can_not_be_read_leaves_the_session_free(
    simple_world: World, engine: SessionEngine, shelf: Shelf
) -> None:
    talk(engine)
    simple_world.advance(LATER)
    shelf.broken = True
    with pytest.raises(StoreUnavailable):
        engine.begin_turn("chat1", "hello again")
    shelf.broken = False
    assert engine.begin_turn("chat1", "hello again", wait=0).history != ()


def test_a_refused_turn_is_taken_back(engine: SessionEngine, shelf: Shelf) -> None:
    """Else a chat that was deleted while it answered would be back."""
    talk(engine, "hello")
    turn = engine.begin_turn("chat1", "too late")
    engine.end("chat1")
    with pytest.raises(StaleTurn):
        engine.finish_turn(turn, "no")
    assert [each.message for each in shelf.turns["chat1"]] == ["hello"]


def test_a_turn_whose_retry_was_stored_is_archived_as_that_was_told(
    simple_world: World, shelf: Shelf, make_engine: MakeEngine
) -> None:
    """An instance was cut off while it answered, and the client asked another one again."""
    first, second = (
        make_engine(store, CHAT, archive=shelf, leases=LeaseKeeper(store, every=3_600))
        for store in (simple_world.store, simple_world.again())
    )
    lost = first.begin_turn("chat1", "hello", key="once")
    simple_world.advance(first.leases.lease_ms + 1)
    told = second.finish_turn(second.begin_turn("chat1", "hello", key="once"), "told")
    with pytest.raises(StaleTurn):
        first.finish_turn(lost, "never told")
    assert first.history("chat1") == (told.turn,)
    assert shelf.turns["chat1"] == [told.turn]
    first.leases.close()
    second.leases.close()


def test_a_policy_without_an_archive_has_none(simple_world: World, shelf: Shelf, make_engine: MakeEngine) -> None:
    engine = make_engine(simple_world.store, replace(CHAT, archive=False), archive=shelf)
    talk(engine)
    assert shelf.calls == []


def test_a_session_from_the_archive_is_still_its_owner_s(
    engine: SessionEngine, shelf: Shelf, simple_world: World
) -> None:
    engine.finish_turn(engine.begin_turn("chat", "Hello", owner="ada"), "Hi")
    simple_world.advance(LATER)

    with pytest.raises(SessionNotFound):
        engine.begin_turn("chat", "Hello", owner="grace", wait=0)
    assert engine.begin_turn("chat", "Hello again", owner="ada", wait=0).session.owner == "ada"


def test_a_key_holds_as_long_as_its_turn_is_in_the_archive(
    engine: SessionEngine, shelf: Shelf, simple_world: World
) -> None:
    engine.finish_turn(engine.begin_turn("chat", "Hello", key="k"), "Hi")
    simple_world.advance(LATER)

    again = engine.begin_turn("chat", "Hello", key="k", wait=0)

    assert again.replay is not None
    assert again.replay.response == "Hi"
    assert engine.finish_turn(again, "").replayed
    with pytest.raises(IdempotencyMismatch):
        engine.begin_turn("chat", "Something else", key="k", wait=0)
    assert engine.begin_turn("chat", "free again", wait=0).replay is None
