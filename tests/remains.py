"""What is left of somebody: all that Redis and a folder hold, made readable, since turns are stored packed."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import redis

from memory.codec import CorruptRow, decode_turn
from memory.stores.record import decode
from memory.stores.seal import seal_of
from memory.stores.unsynced import Mark
from tests.servers import RedisServer


def in_redis(server: RedisServer) -> Iterator[tuple[str, str]]:
    """Every key with all that is in it, turns unpacked."""
    with server.client(decode_responses=False) as client:
        for key in client.scan_iter(count=1_000):
            yield repr(key), readable(_value_of(client, key))


def packed_in_redis(server: RedisServer, subject: str) -> list[bytes]:
    """The rows of a subject's turns as they are stored, to be looked for where nothing can be unpacked."""
    with server.client(decode_responses=False) as client:
        keys: Any = client.keys(f"*:{subject}:turns")
        return [row for key in keys for row in _value_of(client, key)]


def readable(value: Any) -> str:
    """A stored value as text."""
    if isinstance(value, bytes):
        try:
            return str(decode_turn(value))
        except CorruptRow:
            return repr(value)
    if isinstance(value, dict):
        return str({name: readable(each) for name, each in value.items()})
    if isinstance(value, Collection) and not isinstance(value, str):
        return str([readable(each) for each in value])
    return repr(value)


def _value_of(client: redis.Redis, key: bytes) -> Any:
    readers: dict[str, Any] = {
        "hash": client.hgetall,
        "string": client.get,
        "set": client.smembers,
        "list": lambda name: client.lrange(name, 0, -1),
        "zset": lambda name: client.zrange(name, 0, -1),
        "none": lambda _: None,  # it has gone meanwhile
    }
    kind: Any = client.type(key)
    return readers[kind if isinstance(kind, str) else kind.decode()](key)


def in_journals(folder: Path) -> str:
    """All records of all journals (written without a key) under a folder."""
    found = []
    for path in folder.rglob("journal-*.db"):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            for place, body in connection.execute("SELECT place, body FROM journal"):
                found.append(str(decode(seal_of("").open(body, place), Mark("x", 1), synced=True)))
    return "\n".join(found)


def in_files(folder: Path, needles: Collection[str | bytes]) -> list[str]:
    """Files under a folder whose bytes have one of these in them, and which."""
    raw = [each.encode() if isinstance(each, str) else each for each in needles]
    found = []
    for path in folder.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        found += [f"{path.name}: {needle!r}" for needle in raw if needle in content]
    return found
