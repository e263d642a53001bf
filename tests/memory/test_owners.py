"""All sessions of an owner can be found, and nothing is listed for longer than it is there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from memory import Key, SessionEngine, SessionNotFound, SessionPolicy, SessionStore
from memory import owners as module
from memory.cleanup import Cleaner, sweep
from memory.owners import NAMESPACE, Owners
from tests.memory.conftest import MakeEngine
from tests.memory.harness import DAY_MS, World

POLICY = SessionPolicy(inactivity=3 * 86_400)
SPACES = ("test", "other")


@pytest.fixture
def engine(world: World, make_engine: MakeEngine) -> SessionEngine:
    return make_engine(world.store, POLICY)


@pytest.fixture
def owners(store: SessionStore) -> Owners:
    return Owners(store)


def talk(engine: SessionEngine, subject: str, owner: str) -> None:
    engine.finish_turn(engine.begin_turn(subject, "hello", owner=owner), "Hello!")


def subjects(owners: Owners, owner: str) -> set[str]:
    return {key.subject for key in owners.keys(owner, SPACES)}


def test_the_sessions_that_somebody_opened_are_found(engine: SessionEngine, owners: Owners) -> None:
    talk(engine, "one", "ada")
    talk(engine, "two", "ada")
    engine.open("three", owner="ada")
    talk(engine, "bobs", "bob")
    talk(engine, "nobodys", "")

    assert subjects(owners, "ada") == {"one", "two", "three"}
    assert subjects(owners, "bob") == {"bobs"}
    assert subjects(owners, "eve") == set()


def test_the_newest_comes_first(world: World, engine: SessionEngine, owners: Owners) -> None:
    for subject in ("first", "second", "third"):
        talk(engine, subject, "ada")
        world.advance(1_000)

    assert [key.subject for key in owners.keys("ada", SPACES)] == ["third", "second", "first"]


def test_a_session_is_found_while_its_first_turn_runs(engine: SessionEngine, owners: Owners) -> None:
    turn = engine.begin_turn("fresh", "hello", owner="ada")

    assert subjects(owners, "ada") == {"fresh"}
    engine.abandon_turn(turn)


def test_asking_for_a_session_that_is_not_there_lists_nothing(simple_world: World, make_engine: MakeEngine) -> None:
    engine, owners = make_engine(simple_world.store, POLICY), Owners(simple_world.store)
    with pytest.raises(SessionNotFound):
        engine.begin_turn("unknown", "hello", owner="ada", create=False)

    assert not engine.touch("unknown", owner="ada")
    assert subjects(owners, "ada") == set()


def test_of_many_at_once_none_is_missed(engine: SessionEngine, owners: Owners) -> None:
    names = [f"session-{n}" for n in range(12)]

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: talk(engine, name, "ada"), names))

    assert subjects(owners, "ada") == set(names)


def test_another_instance_finds_them_too(world: World, engine: SessionEngine) -> None:
    talk(engine, "one", "ada")

    assert subjects(Owners(world.again()), "ada") == {"one"}


def test_namespaces_are_kept_apart(store: SessionStore, owners: Owners) -> None:
    owners.add("ada", Key("test", "one"))
    owners.add("ada", Key("other", "two"))

    assert owners.keys("ada", ("other",)) == [Key("other", "two")]


def test_a_sweep_drops_what_is_over_and_keeps_what_lives(world: World, engine: SessionEngine, owners: Owners) -> None:
    talk(engine, "short", "ada")
    talk(engine, "long", "ada")
    talk(engine, "gone", "bob")
    engine.forget("short")
    engine.forget("gone")
    world.advance(module.LOOKED_AT_AGAIN_MS + 1)

    Cleaner([engine], 60).run_once()

    assert subjects(owners, "ada") == {"long"}
    assert world.store.read(Key(NAMESPACE, "bob"), 0).session is None
    assert world.store.due(NAMESPACE, world.now, 10) == []


def test_a_session_that_ended_is_listed_as_long_as_its_record_is_kept(
    world: World, engine: SessionEngine, owners: Owners
) -> None:
    talk(engine, "one", "ada")
    world.advance(module.LOOKED_AT_AGAIN_MS + 1)
    engine.end("one")

    owners.sweep()
    assert subjects(owners, "ada") == {"one"}

    world.advance(module.LOOKED_AT_AGAIN_MS + DAY_MS)
    sweep(engine)
    owners.sweep()
    assert subjects(owners, "ada") == set()


def test_beyond_the_bound_all_are_found_all_the_same(
    engine: SessionEngine, owners: Owners, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    names = {f"session-{n}" for n in range(5)}
    for name in names:
        talk(engine, name, "ada")

    session = engine.store.read(Key(NAMESPACE, "ada"), 0).session

    assert session is not None
    assert len(session.attributes["sessions"]["test"]) == 3
    assert session.attributes["more"]
    assert subjects(owners, "ada") == names


def test_within_the_bound_what_is_over_makes_room(
    engine: SessionEngine, owners: Owners, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    for name in ("one", "two"):
        talk(engine, name, "ada")
        engine.forget(name)
    talk(engine, "three", "ada")

    session = engine.store.read(Key(NAMESPACE, "ada"), 0).session

    assert session is not None
    assert not session.attributes.get("more")
    assert subjects(owners, "ada") == {"three"}


def test_an_owner_can_be_forgotten(engine: SessionEngine, owners: Owners) -> None:
    talk(engine, "one", "ada")

    assert owners.forget("ada")
    assert not owners.forget("ada")
    assert subjects(owners, "ada") == set()


def test_nothing_of_it_is_counted_or_told(engine: SessionEngine, owners: Owners) -> None:
    listener = engine.store.listen()
    owners.add("ada", Key("test", "one"))
    owners.forget("ada")

    assert listener.get(timeout=0.2) is None
    listener.close()
    assert not [name for name, number in engine.store.counters().items() if number]
