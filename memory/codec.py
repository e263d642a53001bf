"""How turns, attributes and records are written: compact JSON arrays, with a version in front.

A row is ``<turn id> <version><payload>``. The id stands in front so that a script can tell it without decoding; the
version is one character, so that rows of an older server can still be read.

Version 2, which is written, is 6 bytes of the session's start (ms, big-endian) and a Zstandard frame, without its magic
number, of one of the JSON arrays (times in ms)

    [began - started, took, message, reply]                          a human and an ai message, nothing but text
    [began - started, took, messages, data?, interrupted?]           every other turn

where a message is ``[role, content]`` or ``[role, content, rest]``, and roles ``human`` and ``ai`` are written h and a.
The frame is compressed with the dictionary ``turns.zdict``: short texts have nothing to learn from in themselves.
Version 1, which is read, was plain JSON: ``[session started, began - started, took, messages, data?, interrupted?]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
from zstandard import (
    FORMAT_ZSTD1_MAGICLESS,
    BufferWithSegmentsCollection,
    ZstdCompressionDict,
    ZstdCompressionParameters,
    ZstdCompressor,
    ZstdDecompressor,
    ZstdError,
)

from memory.session import EndedSession, Message, Turn

_SHORT = {"human": "h", "ai": "a", "tool": "t", "system": "s"}
_LONG = {short: role for role, short in _SHORT.items()}
_LEVEL: Final = 3
_STARTED: Final = 6
"""Bytes of the session's start."""

_DICTIONARY: Final = ZstdCompressionDict(Path(__file__).with_name("turns.zdict").read_bytes())
_DICTIONARY.precompute_compress(level=_LEVEL)

# One of them serves one thread at a time: taken from here and given back, so there are as many as work at once.
_compressors: Final[list[ZstdCompressor]] = []
_decompressors: Final[list[ZstdDecompressor]] = []
_unpackers: Final[list[ZstdDecompressor]] = []
_MAGIC: Final = b"\x28\xb5\x2f\xfd"
"""A frame's first four bytes, without which it does not tell its size to those who unpack several."""


class CorruptRow(ValueError):
    """A stored row that no known version of this codec wrote."""


def encode_turn(turn: Turn) -> bytes:
    """One row of the list of turns."""
    fields: list[Any] = [turn.began - turn.session_started, turn.took]
    if _is_plain(turn):
        fields += (turn.messages[0].content, turn.messages[1].content)
    else:
        fields.append([_encode_message(message) for message in turn.messages])
        if turn.data or turn.interrupted:
            fields.append(dict(turn.data))
        if turn.interrupted:
            fields.append(1)
    started = turn.session_started.to_bytes(_STARTED, "big")
    return b"%b 2%b%b" % (turn.id.encode(), started, _compress(orjson.dumps(fields)))


def decode_turns(rows: Sequence[bytes]) -> tuple[Turn, ...]:
    """The turns of rows; ``CorruptRow`` where one is none.

    Zstandard gives Python's lock away for each frame, and waits for it where threads are many: so the frames are
    unpacked together.
    """
    bodies = [row.partition(b" ")[2] for row in rows]
    if len(rows) > 1 and all(body.startswith(b"2") for body in bodies):
        try:
            frames = _decompress_all([_MAGIC + body[1 + _STARTED :] for body in bodies])
        except (ValueError, TypeError, ZstdError, MemoryError):
            pass  # one of them is none: it is found below
        else:
            return tuple(_decoded(row, frame) for row, frame in zip(rows, frames, strict=True))  # type: ignore[call-overload]
    return tuple(_decoded(row, None) for row in rows)


def decode_turn(row: bytes) -> Turn:
    """The turn of a row; ``CorruptRow`` where it is none."""
    return _decoded(row, None)


def _decoded(row: bytes, unpacked: Any) -> Turn:
    """``unpacked`` is what its frame holds, where that is known."""
    turn_id, _, body = row.partition(b" ")
    version = body[:1]
    try:
        if version == b"2":
            started = int.from_bytes(body[1 : 1 + _STARTED], "big")
            raw = _decompress(body[1 + _STARTED :]) if unpacked is None else memoryview(unpacked)
            age, took, messages, *more = orjson.loads(raw)
        elif version == b"1":
            started, age, took, messages, *more = orjson.loads(body[1:])
        else:
            raise CorruptRow(f"a stored turn has version {version!r}, which this server does not know")
        if isinstance(messages, str):
            said = (Message("human", messages), Message("ai", more[0]))
            return Turn(turn_id.decode(), started, started + age, took, said)
        return Turn(
            id=turn_id.decode(),
            session_started=started,
            began=started + age,
            took=took,
            messages=tuple(_decode_message(message) for message in messages),
            data=more[0] if more else {},
            interrupted=len(more) > 1,
        )
    except CorruptRow:
        raise
    except (ValueError, TypeError, KeyError, IndexError, ZstdError, MemoryError) as error:
        # MemoryError: a frame that is none may claim any size; nothing of it was taken.
        raise CorruptRow("a stored turn can't be read") from error


def _is_plain(turn: Turn) -> bool:
    """Whether the turn is a message and a reply, and nothing but their text."""
    return (
        len(turn.messages) == 2
        and not turn.data
        and not turn.interrupted
        and all(
            message.role == role and isinstance(message.content, str) and not message.rest
            for message, role in zip(turn.messages, ("human", "ai"), strict=True)
        )
    )


def _compress(raw: bytes) -> bytes:
    try:
        own = _compressors.pop()
    except IndexError:
        parameters = ZstdCompressionParameters.from_level(
            _LEVEL,
            source_size=512,
            dict_size=len(_DICTIONARY),
            format=FORMAT_ZSTD1_MAGICLESS,
            write_content_size=1,
            write_dict_id=0,
        )
        own = ZstdCompressor(dict_data=_DICTIONARY, compression_params=parameters)
    packed = own.compress(raw)
    _compressors.append(own)
    return packed


def _decompress(packed: bytes) -> bytes:
    try:
        own = _decompressors.pop()
    except IndexError:
        own = ZstdDecompressor(dict_data=_DICTIONARY, format=FORMAT_ZSTD1_MAGICLESS)
    try:
        return own.decompress(packed)
    finally:
        _decompressors.append(own)


def _decompress_all(frames: list[Any]) -> BufferWithSegmentsCollection:
    try:
        own = _unpackers.pop()
    except IndexError:
        own = ZstdDecompressor(dict_data=_DICTIONARY)
    try:
        return own.multi_decompress_to_buffer(frames)
    finally:
        _unpackers.append(own)


def _encode_message(message: Message) -> list[Any]:
    encoded = [_SHORT.get(message.role, message.role), message.content]
    if message.rest:
        encoded.append(dict(message.rest))
    return encoded


def _decode_message(encoded: list[Any]) -> Message:
    role, content, *rest = encoded
    return Message(_LONG.get(role, role), content, rest[0] if rest else {})


def encode_document(document: Mapping[str, Any]) -> bytes:
    """Attributes or an event as JSON with sorted keys, so that equal documents are equal bytes."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def decode_document(raw: bytes | None) -> dict[str, Any]:
    """The document, empty where there is none; ``CorruptRow`` where it can't be read."""
    try:
        document = orjson.loads(raw) if raw else {}
    except ValueError as error:
        raise CorruptRow("a stored document can't be read") from error
    if not isinstance(document, dict):
        raise CorruptRow("a stored document is not a JSON object")
    return document


def encode_events(events: Sequence[Mapping[str, Any]]) -> bytes:
    return orjson.dumps(list(events))


def decode_events(raw: bytes) -> list[dict[str, Any]]:
    """The events of one published message; what is none of ours is passed over."""
    try:
        events = orjson.loads(raw)
    except ValueError:
        return []
    return [event for event in events if isinstance(event, dict)] if isinstance(events, list) else []


def encode_ended(ended: EndedSession) -> bytes:
    """``[started, ended, turns, reason]``, and ``carry_over, owner`` behind it where it leaves something."""
    left = [ended.carry_over, ended.owner] if ended.carry_over else []
    return orjson.dumps([ended.started, ended.ended, ended.turns, ended.reason, *left])


def decode_ended(subject: str, row: bytes) -> EndedSession:
    """``CorruptRow`` where it is none."""
    try:
        started, end, turns, reason, *left = orjson.loads(row)
        carry_over, owner = left or ("", "")
    except (ValueError, TypeError) as error:
        raise CorruptRow("a stored record can't be read") from error
    return EndedSession(subject, started, end, turns, reason, carry_over, owner)
