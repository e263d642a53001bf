"""Server-sent events: a turn or a feed written as ``text/event-stream``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson
from flask import Response, stream_with_context

from agent.events import Done, Event, Failed, Token, ToolUsed
from api.errors import body_of, to_api_error

log = logging.getLogger(__name__)

KEEP_AWAKE = b": keep-awake\n\n"


def event(name: str, data: Mapping[str, Any]) -> bytes:
    """One event."""
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"


def respond(chunks: Iterable[bytes], headers: Mapping[str, str] | None = None) -> Response:
    """A response that is written as it is made; proxies are asked not to hold it back."""
    response = Response(stream_with_context(_told(chunks)), mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    response.headers.extend(headers or {})
    return response


def _told(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks up to an error, which is logged as all others are: the server would print it, words and all."""
    try:
        yield from chunks
    except Exception:  # whatever it is, the answer has begun and can only end
        log.exception("a stream broke off")


def gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces, those that were made together as one, for each costs a write. An empty one says that there is nothing
    more just now; where there was nothing at all, a proxy is kept awake."""
    waiting: list[bytes] = []
    for piece in pieces:
        if piece:
            waiting.append(piece)
            continue
        yield b"".join(waiting) or KEEP_AWAKE
        waiting.clear()
    if waiting:
        yield b"".join(waiting)


def turn(
    first: Mapping[str, Any], events: Iterator[Event | None], last: Callable[[Done], Mapping[str, Any]]
) -> Iterator[bytes]:
    """A turn's events: ``session``, then ``token`` and ``tool``, then ``done`` (whatever ``last`` makes of it) or
    ``error``."""
    return gathered(_turn(first, events, last))


def _turn(
    first: Mapping[str, Any], events: Iterator[Event | None], last: Callable[[Done], Mapping[str, Any]]
) -> Iterator[bytes]:
    yield event("session", first)
    yield b""
    for each in events:
        if each is None:
            yield b""
        elif isinstance(each, Token):
            yield event("token", {"text": each.text})
        elif isinstance(each, ToolUsed):
            yield event("tool", {"name": each.name, "status": each.status})
        elif isinstance(each, Done):
            yield event("done", last(each))
        elif isinstance(each, Failed):
            yield event("error", body_of(to_api_error(each.error)))
