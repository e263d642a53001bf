"""What the tests of the engine and of the stores share: a clock moved by hand, and turns as the engine makes them."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import redis

from memory import EndedSession, Key, Message, Session, SessionStore, Turn, open_failover_store, open_store
from memory.stores.base import (
    LIVE_TURNS,
    Claimed,
    Closed,
    Closing,
    Commit,
    Committed,
    Counted,
)
from tests.servers import RedisServer

NOON = 1_790_000_000_000
LEASE_MS = 6_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

ON_DISK: Final[Mapping[str, Literal["disk"]]] = dict.fromkeys(("test", "weather", "news"), "disk")
"""The namespaces of these tests, all of them journaled where there is a journal."""


PATIENT: Final = "?socket_timeout=10&socket_connect_timeout=10"
"""For tests that are about something else: a machine that runs them may be busy."""


class HandClock:
    """Milliseconds since 1970 that pass only when a test says so."""

    def __init__(self, at: int = NOON) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at


class Shift:
    """What is added to Redis' own time (ms)."""

    def __init__(self) -> None:
        self.ms = 0

    def __call__(self) -> int:
        return self.ms


@dataclass(slots=True)
class World:
    """A store under test, and the hand on its clock.

    ``again`` opens the same data as another instance does (in-process data has one instance only). ``servers`` are the
    Redis servers behind it, none for an in-process store.
    """

    name: str
    store: SessionStore
    advance: Callable[[int], None]
    again: Callable[[], SessionStore]
    servers: Sequence[RedisServer] = ()

    @property
    def now(self) -> int:
        return self.store.now()

    def all_keys(self) -> set[str]:
        """All keys of all servers."""
        found: set[str] = set()
        for client in self.clients():
            found.update(client.scan_iter())
        return found

    def contents(self, keys: Collection[str]) -> Iterator[str]:
        """What is in these keys, as text."""
        readers: dict[str, Callable[[redis.Redis, str], object]] = {
            "hash": lambda client, key: client.hgetall(key),
            "zset": lambda client, key: client.zrange(key, 0, -1),
            "list": lambda client, key: client.lrange(key, 0, -1),
            "set": lambda client, key: client.smembers(key),
            "string": lambda client, key: client.get(key),
        }
        for client in self.clients():
            for key in client.scan_iter():
                if key in keys:
                    yield str(readers[str(client.type(key))](client, key))

    def clients(self) -> Iterator[redis.Redis]:
        """A client of each server in turn, closed after use."""
        for server in self.servers:
            with server.client() as client:
                yield client


def local_world() -> World:
    clock = HandClock()
    store = open_store("memory://", clock=clock)

    def advance(ms: int) -> None:
        clock.at += ms

    return World("local", store, advance, lambda: store)


def failover_world(
    url: str, servers: list[RedisServer], folder: Path, stack: ExitStack, name: str = "failover"
) -> World:
    """Stores that outlast an outage, with a journal for every namespace; ``servers`` is empty where Redis is away."""
    shift = Shift()

    def again() -> SessionStore:
        store = open_failover_store(url, durability_of=ON_DISK, journal_dir=folder, shift=shift)
        stack.callback(store.close_store)
        return store

    def advance(ms: int) -> None:
        shift.ms += ms

    first = again()
    return World(name, first, advance, again if servers else lambda: first, servers)


def redis_world(url: str, servers: list[RedisServer], stack: ExitStack, name: str = "redis") -> World:
    """Stores on a real Redis whose time is shifted; they are closed with ``stack``."""
    shift = Shift()

    def again() -> SessionStore:
        store = open_store(url + PATIENT, shift=shift)
        stack.callback(store.close_store)
        return store

    def advance(ms: int) -> None:
        shift.ms += ms

    return World(name, again(), advance, again, servers)


@contextmanager
def server_of(world: World, key: str) -> Iterator[redis.Redis]:
    """A client of the one server that holds ``key``."""
    for client in world.clients():
        if client.exists(key):
            yield client
            return
    raise AssertionError(f"no server holds {key}")


def claim(
    store: SessionStore, key: Key, *, holder: str = "a", lease_ms: int = LEASE_MS, turns: int = 100, turn_id: str = ""
) -> Claimed:
    """A claim that must succeed."""
    claimed = store.claim(key, holder=holder, lease_ms=lease_ms, turns=turns, turn_id=turn_id)
    assert isinstance(claimed, Claimed), claimed
    return claimed


def turn_of(session: Session, turn_id: str, text: str = "hello", *, at: int | None = None, **more: Any) -> Turn:
    """A turn in which the assistant shouts back."""
    began = session.last_activity if at is None else at
    return Turn(turn_id, session.started, began, 5, (Message("human", text), Message("ai", text.upper())), **more)


def commit_of(before: Session, turn: Turn | None, **changes: Any) -> Commit:
    """The commit of ``turn`` (None: of an opened session) on the session as it was before it."""
    session = replace(before, turns=before.turns + 1, last_activity=turn.ended) if turn else before
    counted = Counted(session.last_activity, {f"{before.key.namespace}.{LIVE_TURNS}": 1} if turn else {})
    made = Commit(
        session=session,
        turn=turn,
        deadline=session.last_activity + HOUR_MS,
        keep_turns=100,
        max_bytes=1_000_000,
        counted=counted,
        replayable=turn is not None and turn.id.startswith("key"),
    )
    return replace(made, **changes)


def begun(claimed: Claimed, key: Key, owner: str = "") -> Session:
    """The session that was claimed, or a new one."""
    now = claimed.found.now
    return claimed.found.session or Session(key, now, now, owner=owner)


def say(store: SessionStore, key: Key, turn_id: str, text: str = "hello", *, holder: str = "a", **changes: Any) -> Turn:
    """A whole turn: claim and commit."""
    claimed = claim(store, key, holder=holder)
    turn = turn_of(begun(claimed, key), turn_id, text, at=claimed.found.now)
    assert store.commit(key, claimed.fence, commit_of(begun(claimed, key), turn, **changes)) is Committed.STORED
    return turn


def live_session(store: SessionStore, key: Key) -> Session:
    """The session of ``key``, which must be there."""
    session = store.read(key, 0).session
    assert session is not None
    return session


def closing_of(session: Session, reason: str = "manual", at: int | None = None, **changes: Any) -> Closing:
    ended = session.last_activity if at is None else at
    return replace(Closing(EndedSession(session.key.subject, session.started, ended, session.turns, reason)), **changes)


def end(store: SessionStore, session: Session, reason: str = "manual", **options: Any) -> Closed:
    """Close the session as the engine does: with its count taken back."""
    closing = closing_of(session, reason, store.now(), history_until=options.pop("history_until", None))
    deltas: Mapping[str, int] = {
        f"{session.key.namespace}.{LIVE_TURNS}": -session.turns,
        f"{session.key.namespace}.ended.{reason}": 1,
    }
    return store.close(session, closing, Counted(store.now(), deltas), **options)


def noise(length: int, seed: int = 0) -> str:
    """Text that hardly gets shorter by packing it; another one for another seed."""
    chance = random.Random(seed)
    return "".join(chr(chance.randrange(0x4E00, 0x9FA5)) for _ in range(length))


def texts(turns: Sequence[Turn]) -> list[str]:
    return [turn.message for turn in turns]
