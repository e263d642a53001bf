"""Whatever bytes stand in Redis or in the journal: they are read as what was written, or told to be corrupt."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from memory.codec import CorruptRow, decode_document, decode_ended, decode_events, decode_turn, encode_turn
from memory.session import Key, Session, Turn
from memory.stores import record
from memory.stores.documents import decode_stamps
from memory.stores.record import Record
from tests.memory.test_codec import DOCUMENTS, TURNS

MARK: Any = "mark"
DECODERS: tuple[Callable[[bytes], object], ...] = (
    decode_turn,
    decode_document,
    decode_events,
    decode_stamps,
    lambda raw: decode_ended("user123", raw),
    lambda raw: record.decode(raw, MARK, synced=True),
)
FRONTS = (b"", b"id 1", b"id 2", b"id 2\0\0\0\0\0\0", b"[", b"{", b'{"key":["weather","ada"],"known":[1,2],')
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def read_by_all(raw: bytes) -> None:
    """Nothing is raised by any decoder but ``CorruptRow``."""
    for decode in DECODERS:
        with suppress(CorruptRow):
            decode(raw)


@given(st.sampled_from(FRONTS), st.binary(max_size=120))
def test_any_bytes(front: bytes, rest: bytes) -> None:
    read_by_all(front + rest)


@given(st.sampled_from((b"", b"id 1", b"id 2\0\0\0\0\0\0")), JSON)
def test_any_json(front: bytes, value: Any) -> None:
    read_by_all(front + orjson.dumps(value))


@given(TURNS, st.data())
def test_a_row_with_a_few_bytes_changed(turn: Turn, data: st.DataObject) -> None:
    read_by_all(damaged(encode_turn(turn), data))


@given(TURNS, DOCUMENTS, st.data())
def test_a_line_of_the_journal_with_a_few_bytes_changed(
    turn: Turn, attributes: dict[str, Any], data: st.DataObject
) -> None:
    session = Session(Key("weather", "ada"), 1, 2, 3, "", attributes, 4)
    whole = record.encode(Record(Key("weather", "ada"), MARK, True, 5, session=session, turn=turn, in_redis=6))

    assert record.decode(whole, MARK, synced=True).turn == turn
    read_by_all(damaged(whole, data))


def damaged(row: bytes, data: st.DataObject) -> bytes:
    """The row with one to four bytes changed, or cut off, or both."""
    changed = bytearray(row)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    return bytes(changed[: data.draw(st.integers(0, len(changed)))])
