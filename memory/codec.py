"""How turns, attributes and records are written: compact JSON arrays, with a version in front.

A row is ``<turn id> <version><JSON>``. The id stands in front so that a script can tell it without decoding; the
version is one character, so that rows of an older server can still be read. Version 1 is a JSON array:

    [session started, began - started, took, messages, data?, interrupted?]     times in ms

where a message is ``[role, content]`` or ``[role, content, rest]``, and roles ``human`` and ``ai`` are written h and a.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from memory.session import EndedSession, Message, Turn

_VERSION = b"1"
_SHORT = {"human": "h", "ai": "a", "tool": "t", "system": "s"}
_LONG = {short: role for role, short in _SHORT.items()}


class CorruptRow(ValueError):
    """A stored row that no known version of this codec wrote."""


def encode_turn(turn: Turn) -> bytes:
    """One row of the list of turns."""
    fields: list[Any] = [
        turn.session_started,
        turn.began - turn.session_started,
        turn.took,
        [_encode_message(message) for message in turn.messages],
    ]
    if turn.data or turn.interrupted:
        fields.append(dict(turn.data))
    if turn.interrupted:
        fields.append(1)
    return turn.id.encode() + b" " + _VERSION + orjson.dumps(fields)


def decode_turn(row: bytes) -> Turn:
    """The turn of a row; ``CorruptRow`` where it is none."""
    turn_id, _, body = row.partition(b" ")
    if body[:1] != _VERSION:
        raise CorruptRow(f"a stored turn has version {body[:1]!r}, which this server does not know")
    try:
        started, age, took, messages, *more = orjson.loads(body[1:])
        return Turn(
            id=turn_id.decode(),
            session_started=started,
            began=started + age,
            took=took,
            messages=tuple(_decode_message(message) for message in messages),
            data=more[0] if more else {},
            interrupted=len(more) > 1,
        )
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise CorruptRow("a stored turn can't be read") from error


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
    return orjson.dumps([ended.started, ended.ended, ended.turns, ended.reason])


def decode_ended(subject: str, row: bytes) -> EndedSession:
    try:
        started, end, turns, reason = orjson.loads(row)
    except (ValueError, TypeError) as error:
        raise CorruptRow("a stored record can't be read") from error
    return EndedSession(subject, started, end, turns, reason)
