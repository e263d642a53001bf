"""What Redis takes for what is stored, allocation by allocation, in the bytes of ``used_memory``.

Sizes of structures are those of Redis 7.0 on 64 bits (server.h, dict.h, quicklist.h, listpack.c, t_zset.c, sds.h), each
allocation rounded up as jemalloc does. ``tests/memory/test_capacity_redis.py`` checks them against 7.0.15 with jemalloc
5.3; ``python -m memory.capacity --redis URL`` tells by how much another server differs: Redis 7.2 and later keep small
sets and lists more tightly, and the jemalloc of Redis' own builds rounds small sizes up to 8, not 16.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Final

QUANTUM: Final = 16
"""jemalloc's smallest step (bytes), as Debian and Ubuntu build it. Redis' own builds have 8."""

NODE: Final = 8_192
"""list-max-listpack-size -2: bytes of one node of a list."""

INDEX_LISTPACK: Final = 128
"""zset-max-listpack-entries: up to so many, a sorted set is one listpack."""

SLOT: Final = 8
"""A pointer in a hash table. Tables have a power of two of them."""

OBJECT: Final = 16
_ENTRY: Final = 24
_DICT: Final = 56
_LIST: Final = 40
_LIST_NODE: Final = 40


@cache
def allocated(size: int) -> int:
    """What jemalloc gives for ``size`` bytes: four steps to each doubling, none smaller than the quantum."""
    step = max(QUANTUM, 1 << max(0, (size - 1).bit_length() - 3))
    return -(-size // step) * step


def _string(length: int) -> int:
    """An sds of that many bytes, before rounding."""
    header = 1 if length < 32 else 3 if length < 256 else 5 if length < 65_536 else 9
    return header + length + 1


def slots(entries: int) -> int:
    """How many slots a table has that has grown to ``entries``; it keeps them until it is nearly empty."""
    return max(4, 1 << max(0, math.ceil(entries) - 1).bit_length())


def key(name: int) -> int:
    """A key that expires, with a name of that many bytes, but without its value and its two slots."""
    return allocated(_string(name)) + 2 * allocated(_ENTRY)


def value(length: int) -> int:
    """A string as a value."""
    if length <= 44:
        return allocated(OBJECT + 3 + length + 1)
    return allocated(OBJECT) + allocated(max(_string(length), 3 + length + 1))


def packed(length: int) -> int:
    """A string in a listpack."""
    body = length + (1 if length < 64 else 2 if length < 4_096 else 5)
    return body + (1 if body <= 127 else 2 if body < 16_383 else 3)


INSTANT: Final = 10
"""A time in ms in a listpack: a number of 64 bits."""

COUNT: Final = 4
"""A number up to 32,767 in a listpack."""


def listpack(entries: int) -> int:
    """A listpack whose entries take so many bytes."""
    return allocated(7 + entries)


def session(owner: int = 0, *, revised: bool = False) -> int:
    """The hash of a session: fence, started, last, turns, bytes; owner (so many characters) and rev where there are."""
    fields = sum(packed(len(name)) for name in ("fence", "started", "last", "turns", "bytes"))
    entries = fields + 3 * INSTANT + 2 * COUNT
    if owner:
        entries += packed(len("owner")) + packed(owner)
    if revised:
        entries += packed(len("rev")) + 2
    return allocated(OBJECT) + listpack(entries)


def rows(sizes: Sequence[int]) -> int:
    """A list of rows of these sizes, filled from its end: in nodes of at most 8 KB, larger rows alone in theirs."""
    nodes, held = 0, 0
    total = allocated(OBJECT) + allocated(_LIST)
    for size in sizes:
        entry = packed(size)
        if held and held + size + 8 > NODE:  # quicklist.c: its own estimate of what an entry takes besides
            total += allocated(held)
            held = 0
        if not held:
            nodes, held = nodes + 1, 7
        held += entry
    return total + nodes * allocated(_LIST_NODE) + (allocated(held) if held else 0)


def ids(count: int, length: int) -> int:
    """A set of so many ids: a hash table (until 7.2)."""
    each = allocated(_ENTRY) + allocated(_string(length))
    return allocated(OBJECT) + allocated(_DICT) + allocated(slots(count) * SLOT) + count * each


def records(count: int, length: int, newest: int) -> int:
    """A list of so many records of ended sessions of that many bytes, the newest of ``newest``."""
    return rows([newest, *[length] * (count - 1)])


_HEAD: Final = 24 + 16 * 32
"""A skip list's first node has all 32 levels."""


def member(length: int) -> float:
    """An entry of that many bytes in a large sorted set. Its node has one level more with a chance of a quarter."""
    levels = sum(0.75 * 0.25**more * allocated(24 + 16 * (1 + more)) for more in range(10))
    return allocated(_string(length)) + allocated(_ENTRY) + levels


def index(members: float, length: int) -> float:
    """A sorted set with so many members of that many bytes, all of it but its slots; 0 where it is empty."""
    if members < 0.5:
        return 0.0
    if members <= INDEX_LISTPACK:
        return allocated(OBJECT) + listpack(round(members * (packed(length) + INSTANT)))
    fixed = allocated(OBJECT) + allocated(16) + allocated(_DICT) + allocated(32) + allocated(_HEAD)
    return fixed + members * member(length)


def index_slots(members: float) -> int:
    """Bytes of an index' hash table that has grown to so many members."""
    return 0 if members <= INDEX_LISTPACK else allocated(slots(math.ceil(members)) * SLOT)
