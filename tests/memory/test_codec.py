"""What is written comes back equal, and what no known version wrote is told."""

from __future__ import annotations

import random
import string
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory import EndedSession, Message, Turn
from memory.codec import (
    CorruptRow,
    decode_document,
    decode_ended,
    decode_events,
    decode_turn,
    encode_document,
    encode_ended,
    encode_events,
    encode_turn,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(TEXT, JSON, max_size=4)
MESSAGES = st.builds(
    Message,
    st.sampled_from(["human", "ai", "tool", "system", "function", "developer"]),
    TEXT | st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}), max_size=3),
    DOCUMENTS,
)
TIMES = st.integers(0, 2**45)
IDS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-=", min_size=1, max_size=32)
ROW_OF_VERSION_2 = (
    "4162436445664768496a4b203201a0c4506c00203d950100e3c2081c148d88810ebdb51c3dd1d211484229a8d6abf6fe97fd"
    "3d784252ba3429499284610203f402b7a6ad0d5fd60a1007"
)
TURNS = st.builds(Turn, IDS, TIMES, TIMES, TIMES, st.lists(MESSAGES, max_size=5).map(tuple), DOCUMENTS, st.booleans())


@given(TURNS)
def test_a_turn_comes_back_as_it_was_written(turn: Turn) -> None:
    assert decode_turn(encode_turn(turn)) == turn


@given(TURNS)
def test_the_id_of_a_turn_stands_in_front_where_scripts_look_for_it(turn: Turn) -> None:
    row = encode_turn(turn)
    assert row.split(b" ", 1)[0].decode() == turn.id
    assert row[len(turn.id) :][:2] == b" 2"


@given(DOCUMENTS)
def test_a_document_comes_back_as_it_was_written(document: dict[str, Any]) -> None:
    assert decode_document(encode_document(document)) == document


@given(st.dictionaries(TEXT, st.integers(0, 9), max_size=6), st.randoms())
def test_equal_documents_are_equal_bytes(document: dict[str, int], chance: Any) -> None:
    items = list(document.items())
    chance.shuffle(items)
    assert encode_document(dict(items)) == encode_document(document)


@given(st.lists(DOCUMENTS, max_size=4))
def test_events_come_back_as_they_were_written(events: list[dict[str, Any]]) -> None:
    assert decode_events(encode_events(events)) == events


@given(TIMES, TIMES, st.integers(0, 10**6), TEXT, TEXT.filter(bool), TEXT)
def test_a_record_comes_back_as_it_was_written(
    started: int, ended: int, turns: int, reason: str, left: str, owner: str
) -> None:
    for record in (
        EndedSession("user123", started, ended, turns, reason),
        EndedSession("user123", started, ended, turns, reason, left, owner),
    ):
        assert decode_ended("user123", encode_ended(record)) == record


def test_a_record_that_leaves_nothing_is_written_as_ever() -> None:
    assert encode_ended(EndedSession("user123", 1, 2, 3, "duration")) == b'[1,2,3,"duration"]'
    with pytest.raises(CorruptRow):
        decode_ended("user123", b'[1,2,3,"duration","left"]')


def usual(said: str, reply: str) -> Turn:
    messages = (Message("human", said), Message("ai", reply))
    return Turn("AbCdEfGhIjK", 1_790_000_000_000, 1_790_000_060_000, 850, messages)


def test_a_short_turn_is_hardly_longer_than_its_text() -> None:
    message, reply = "What is the weather like in London today?", "It is cloudy in London, with 9 °C and little wind."
    assert len(encode_turn(usual(message, reply))) < len((message + reply).encode()) + 16


def test_letters_that_mean_nothing_take_less_than_themselves() -> None:
    chance = random.Random(5)
    said, reply = ("".join(chance.choices(string.ascii_lowercase + "     ", k=100)) for _ in range(2))
    assert len(encode_turn(usual(said, reply))) < 200


def test_a_long_text_comes_back_and_takes_a_fraction() -> None:
    turn = usual("Tell me all.", "It is cloudy in London, with 9 °C and little wind. " * 2_000)
    row = encode_turn(turn)
    assert len(row) < 1_000
    assert decode_turn(row) == turn


@pytest.mark.parametrize(
    ("row", "turn"),
    [
        (
            b'id 1[1790000000000,60000,850,[["h","Hello"],["a","Hi"]]]',
            Turn("id", 1_790_000_000_000, 1_790_000_060_000, 850, (Message("human", "Hello"), Message("ai", "Hi"))),
        ),
        (
            b'id 1[5,1,2,[["h","a"],["a","b",{"name":"c"}]],{"d":1},1]',
            Turn("id", 5, 6, 2, (Message("human", "a"), Message("ai", "b", {"name": "c"})), {"d": 1}, True),
        ),
    ],
)
def test_rows_of_the_first_version_are_still_read(row: bytes, turn: Turn) -> None:
    assert decode_turn(row) == turn


def test_rows_written_with_the_shipped_dictionary_are_still_read() -> None:
    row = bytes.fromhex(ROW_OF_VERSION_2)
    assert decode_turn(row) == usual("What is the weather in London?", "Cloudy, 9 °C.")


def test_many_threads_write_and_read_at_once() -> None:
    def both(number: int) -> bool:
        turn = usual(f"question {number} " * 20, f"answer {number} " * 50)
        return all(decode_turn(encode_turn(turn)) == turn for _ in range(50))

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(both, range(64)))


def test_nothing_stored_is_an_empty_document() -> None:
    assert decode_document(None) == {}
    assert decode_document(b"") == {}


@pytest.mark.parametrize(
    "row",
    [
        b"",
        b"id",
        b"id ",
        b"id 3[1,2,3,[]]",
        b"id 2",
        b"id 2[1,2,3,[]]",
        b"id 2\0\0\0\0\0\1" + b"\xe0" + b"\xff" * 8 + b"\1\0\0",
        b"id 1",
        b"id 1[",
        b"id 1{}",
        b"id 1[1,2,3]",
        b'id 1["a",2,3,[]]',
        b"id 1[1,2,3,[7]]",
        b"id 1[1,2,3,7]",
        b"\xff 1[1,2,3,[]]",
        b"id 1[1,2,3,[[]]]",
        b"\x00\x01\x02",
    ],
)
def test_a_row_that_no_known_version_wrote_is_told(row: bytes) -> None:
    with pytest.raises(CorruptRow, match="stored turn"):
        decode_turn(row)


@given(st.binary(max_size=60), st.sampled_from([b"", b"id 1", b"id 2", b"id 2\0\0\0\0\0\0"]))
def test_no_bytes_make_the_decoder_fail_in_another_way(tail: bytes, front: bytes) -> None:
    row = front + tail
    for decode in (decode_turn, decode_document, lambda raw: decode_ended("user123", raw)):
        with suppress(CorruptRow):
            decode(row)


@pytest.mark.parametrize("raw", [b"{", b"[]", b"null", b"1", b'"text"', b"\xff"])
def test_a_document_that_is_none_is_told(raw: bytes) -> None:
    with pytest.raises(CorruptRow, match="stored document"):
        decode_document(raw)


@pytest.mark.parametrize("raw", [b"", b"[]", b"[1,2,3]", b"{}", b"7"])
def test_a_record_that_is_none_is_told(raw: bytes) -> None:
    with pytest.raises(CorruptRow, match="stored record"):
        decode_ended("user123", raw)


@pytest.mark.parametrize("raw", [b"", b"{}", b"7", b"not json", b"[1, null]"])
def test_events_of_others_are_passed_over(raw: bytes) -> None:
    assert decode_events(raw) == []


def test_of_a_mixed_message_our_events_are_heard() -> None:
    assert decode_events(b'[1, {"type": "turn_completed"}, "x"]') == [{"type": "turn_completed"}]


@pytest.mark.parametrize("value", [object(), {1: 2}, "half a pair \ud83d", 2**70])
def test_what_is_no_json_is_refused(value: object) -> None:
    with pytest.raises(orjson.JSONEncodeError):
        encode_document({"a": value})
