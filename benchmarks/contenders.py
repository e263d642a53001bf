"""What a turn can be kept with: Parley, and the least that any program must do. Peers stand in ``peers.py``.

A turn is: load what the model is shown, as LangChain's messages, and keep two messages more. Texts are random letters,
so that nobody gains by having seen them.
"""

from __future__ import annotations

import itertools
import json
import random
import string
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import redis
from langchain_core.messages import AIMessage, HumanMessage

from memory import SessionEngine, SessionPolicy, SessionStore, open_failover_store, open_store
from memory.history import to_messages

LETTERS: Final = 100
"""Of a text."""

_chance = random.Random(11)
_texts = itertools.cycle(["".join(_chance.choices(string.ascii_lowercase + "     ", k=LETTERS)) for _ in range(1_009)])

ALL: Final = SessionPolicy(inactivity=86_400, keep_turns=500, shown_turns=500, durability="memory")
SHOWN_20: Final = SessionPolicy(inactivity=86_400, keep_turns=500, shown_turns=10, durability="memory")

PING: Final = "PING"
PARLEY: Final = "Parley"
SERVED: Final = "Parley, as its server runs it, with the journal"


def text() -> str:
    """The next one; safe for threads."""
    return next(_texts)


@dataclass(frozen=True, slots=True)
class Place:
    """Where contenders keep what they are told; the addresses may be those of something that counts."""

    redis_url: str
    folder: Path
    postgres_url: str | None = None


@dataclass(frozen=True, slots=True)
class Contender:
    """``turn`` takes one turn of a subject, ``fill`` gives it so many messages, ``held`` tells the bytes of all.

    ``remote``: what it keeps is behind a network. ``alone`` tells how many turns went without Redis, because that did
    not answer in time.
    """

    name: str
    turn: Callable[[str], object]
    fill: Callable[[str, int], object]
    held: Callable[[], int] | None = None
    remote: bool = True
    alone: Callable[[], int] = lambda: 0


def ours(place: Place, stack: ExitStack) -> Iterator[Contender]:
    """Parley's session engine: as in the README; showing all that is kept; and on the store that the server uses."""
    failover = open_failover_store(
        place.redis_url, durability_of={"served": "disk"}, journal_dir=place.folder / "journal"
    )
    yield _parley(PARLEY, open_store(place.redis_url), SHOWN_20, "some", place, stack)
    yield _parley("Parley, all messages shown", open_store(place.redis_url), ALL, "all", place, stack)
    # What it keeps in Redis is what the first one keeps.
    yield replace(_parley(SERVED, failover, SHOWN_20, "served", place, stack), held=None)


def _parley(
    name: str, store: SessionStore, policy: SessionPolicy, namespace: str, place: Place, stack: ExitStack
) -> Contender:
    engine = SessionEngine(store, policy, namespace=namespace)
    stack.callback(store.close_store)
    alone: list[str] = []

    def turn(subject: str) -> None:
        running = engine.begin_turn(subject, text())
        to_messages(running.history)
        if engine.finish_turn(running, text()).degraded:
            alone.append(subject)

    def fill(subject: str, messages: int) -> None:
        for _ in range(messages // 2):
            engine.finish_turn(engine.begin_turn(subject, text(), shown_turns=1), text())

    return Contender(name, turn, fill, used(place), alone=lambda: len(alone))


_ONE_SCRIPT: Final = """
local session, rows = redis.call('HGETALL', KEYS[1]), redis.call('LRANGE', KEYS[2], 0, -1)
redis.call('RPUSH', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[1], 'last', ARGV[2], 'turns', #rows + 1)
return {session, rows}
"""


def limits(place: Place, stack: ExitStack) -> Iterator[Contender]:
    """What nobody can do better with redis-py: a PING, and a turn without any rule about it."""
    client = redis.Redis.from_url(place.redis_url)
    stack.callback(client.close)
    script = client.register_script(_ONE_SCRIPT)

    def keys(subject: str) -> tuple[str, str]:
        return f"limit:{subject}", f"limit:{subject}:turns"

    def row() -> str:
        return json.dumps([text(), text()])

    def in_one_script(subject: str) -> None:
        script(keys=keys(subject), args=[row(), time.time()])

    def in_one_pipeline(subject: str) -> None:
        session, turns = keys(subject)
        with client.pipeline(transaction=False) as pipe:
            pipe.hgetall(session)
            pipe.lrange(turns, 0, -1)
            pipe.rpush(turns, row())
            pipe.hset(session, mapping={"last": time.time(), "turns": 1})
            pipe.execute()

    def in_two_pipelines(subject: str) -> None:
        session, turns = keys(subject)
        with client.pipeline(transaction=False) as pipe:
            pipe.hgetall(session)
            pipe.lrange(turns, 0, -1)
            _, rows = pipe.execute()
        for said, reply in map(json.loads, rows):
            HumanMessage(said), AIMessage(reply)  # what it costs to make them is part of it
        with client.pipeline(transaction=False) as pipe:
            pipe.rpush(turns, row())
            pipe.hset(session, mapping={"last": time.time(), "turns": len(rows) + 1})
            pipe.execute()

    def fill(subject: str, messages: int) -> None:
        if messages:
            client.rpush(keys(subject)[1], *(row() for _ in range(messages // 2)))

    yield Contender(PING, lambda _: client.ping(), lambda *_: None)
    yield Contender("limit: one script, raw bytes", in_one_script, fill)
    yield Contender("limit: one pipeline, raw bytes", in_one_pipeline, fill)
    yield Contender("limit: two pipelines, LangChain's messages", in_two_pipelines, fill, used(place))


def used(place: Place) -> Callable[[], int]:
    """Tells the bytes of all that Redis holds; its clients' buffers are in it, so a server of its own tells best."""

    def ask() -> int:
        with redis.Redis.from_url(place.redis_url) as client:
            info: dict[str, Any] = client.info("memory")
            return int(info["used_memory"])

    return ask
